import Model
import S3

extension S3Storage {
    /// A document's target; what it leaves open comes from the environment, as with AWS's own tools.
    init(_ spec: S3TargetSpec, environment: [String: String]) throws(StoreError) {
        let encryption: S3Location.Encryption =
            switch spec.encryption {
            case .none: .none
            case .store: .s3
            case .key(let id): .kms(keyID: id)
            }
        do throws(S3Error) {
            let location = try S3Location(
                bucket: spec.bucket, prefix: spec.prefix, connection: spec.connection, encryption: encryption,
                environment: environment)
            self.init(
                location, credentials: CredentialsChain(environment: environment, region: location.region),
                claims: spec.claims)
        } catch { throw StoreError(error, "s3://\(spec.bucket)") }
    }
}
