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
            let usual = try S3Location.parse("s3://\(spec.bucket)/\(spec.prefix)", environment: environment)
            let location = try S3Location(
                bucket: spec.bucket, prefix: spec.prefix, region: spec.region ?? usual.region,
                endpoints: spec.endpoints.isEmpty ? usual.endpoints : spec.endpoints,
                usesPathStyle: spec.usesPathStyle, authorityFile: spec.certificateFile ?? usual.authorityFile,
                encryption: encryption)
            self.init(
                location, credentials: CredentialsChain(environment: environment, region: location.region),
                claims: spec.claims)
        } catch { throw StoreError(error, "s3://\(spec.bucket)") }
    }
}
