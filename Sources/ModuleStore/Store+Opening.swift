internal import Foundation
package import Model
internal import S3

extension Store {
    /// The store that a document's target names.
    package init(_ target: TargetSpec) throws(StoreError) {
        switch target.place {
        case .directory(let folder): self.init(directory: folder)
        case .s3(let spec): self.init(try S3Storage(spec, environment: ProcessInfo.processInfo.environment))
        case .postgres: throw StoreError(.badName, "postgres", "stores in PostgreSQL are not available in this version")
        }
    }

    /// The bucket that `s3://bucket/prefix` names, with the rest from the environment.
    package init(s3 url: String) throws(StoreError) {
        let environment = ProcessInfo.processInfo.environment
        do throws(S3Error) {
            let location = try S3Location.parse(url, environment: environment)
            self.init(
                S3Storage(
                    location, credentials: CredentialsChain(environment: environment, region: location.region)))
        } catch { throw StoreError(error, url) }
    }
}
