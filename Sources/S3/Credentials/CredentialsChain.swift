internal import Secrets
internal import Synchronization

/// AWS's usual places of credentials, in its order: environment, web identity, shared files, container, instance.
///
/// The first place that is configured decides; if it fails there, no later one is tried. What a place gave is kept and
/// asked for again five minutes before it expires; a place that then fails is asked again later, as long as the old
/// credentials hold.
package final class CredentialsChain: CredentialsProvider {
    private let sources: [any CredentialsSource]
    private let now: @Sendable () -> Int64
    private let kept = Mutex<S3Credentials?>(nil)
    private static let renewalMilliseconds: Int64 = 5 * 60 * 1000

    /// - Parameters:
    ///   - environment: the process's, or a test's.
    ///   - region: where STS is asked, unless its endpoint is named.
    ///   - now: milliseconds of Unix time.
    package init(
        environment: [String: String], region: String, timeouts: S3Timeouts = S3Timeouts(),
        now: @escaping @Sendable () -> Int64 = SystemTime.milliseconds
    ) {
        let settings = Settings(environment)
        let asker = HTTPTransport(
            timeouts: S3Timeouts(connect: min(timeouts.connect, .seconds(5)), stall: min(timeouts.stall, .seconds(10))),
            authorityFile: settings["AWS_CA_BUNDLE"])
        let nearby = HTTPTransport(
            timeouts: S3Timeouts(connect: .seconds(1), stall: .seconds(2)), authorityFile: nil)
        let tokens = TokenService(settings: settings, region: region, transport: asker)
        sources = [
            EnvironmentCredentials(settings: settings), WebIdentityCredentials(settings: settings, service: tokens),
            SharedFileCredentials(settings: settings, service: tokens),
            ContainerCredentials(settings: settings, transport: nearby),
            InstanceCredentials(settings: settings, transport: nearby),
        ]
        self.now = now
    }

    // The lock is held while a place is asked: threads that want credentials can do nothing else meanwhile, and one
    // question is enough for all of them.
    package func current() throws(S3Error) -> S3Credentials {
        try kept.withLock { (kept) throws(S3Error) in
            guard let old = kept else { return try load(&kept) }
            guard let end = old.expiresAt, end - now() < Self.renewalMilliseconds else { return old }
            do throws(S3Error) {
                return try load(&kept)
            } catch {
                guard end > now() else { throw error }
                return old
            }
        }
    }

    package func replacement(for refused: S3Credentials) throws(S3Error) -> S3Credentials {
        try kept.withLock { (kept) throws(S3Error) in
            // Another thread may have been here first.
            if let old = kept, !old.isSame(as: refused) { return old }
            let fresh = try load(&kept)
            guard !fresh.isSame(as: refused) else {
                throw S3Error(.credentials, action: "credentials", "the credentials expired and there are no others")
            }
            return fresh
        }
    }

    private func load(_ kept: inout S3Credentials?) throws(S3Error) -> S3Credentials {
        for source in sources {
            if let found = try source.load() {
                kept = found
                return found
            }
        }
        throw S3Error(
            .credentials, action: "credentials",
            "none found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give this machine a role")
    }
}

extension S3Credentials {
    fileprivate func isSame(as other: S3Credentials) -> Bool {
        accessKeyID == other.accessKeyID && expiresAt == other.expiresAt
            && sessionToken.map { $0.reveal() } == other.sessionToken.map { $0.reveal() }
    }
}

/// One place of the chain.
protocol CredentialsSource: Sendable {
    /// nil: nothing is configured at this place.
    func load() throws(S3Error) -> S3Credentials?
}

/// Environment variables of which the empty ones count as absent.
struct Settings: Sendable {
    private let values: [String: String]

    init(_ values: [String: String]) { self.values = values }

    subscript(_ name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }
}
