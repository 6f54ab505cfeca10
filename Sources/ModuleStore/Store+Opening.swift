internal import Foundation
package import Model
internal import S3

extension Store {
    /// The store that a document's target names.
    ///
    /// - Parameter renderer: makes the files of parts that are kept as tables; without one they are not read.
    package init(_ target: TargetSpec, renderer: (any PartRenderer)? = nil) throws(StoreError) {
        switch target.place {
        case .directory(let folder): self.init(directory: folder)
        case .s3(let spec): self.init(try S3Storage(spec, environment: ProcessInfo.processInfo.environment))
        case .postgres(let database): self.init(PostgresStorage(database, renderer: renderer))
        }
    }

    /// The store in a database, for those who read: nothing is promised of its tables, nobody is granted anything.
    package init(database url: Secret, renderer: any PartRenderer) {
        self.init(PostgresStorage(PostgresTargetSpec(url: url), renderer: renderer))
    }

    /// The bucket that `s3://bucket/prefix` names, with the rest from the environment.
    package init(s3 url: String) throws(StoreError) {
        let environment = ProcessInfo.processInfo.environment
        do throws(S3Error) {
            let location = try S3Location.parse(url, environment: environment)
            self.init(
                S3Storage(
                    location, credentials: CredentialsChain(environment: environment, region: location.region)))
        } catch {
            // The text is not quoted: where it does not parse, it may hold a key.
            throw StoreError(error, "")
        }
    }
}
