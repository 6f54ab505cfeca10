import CCrypto
import Foundation
import Model
import Synchronization
import Testing

@testable import Cluster

@Suite("Tokens of service accounts")
struct ServiceAccountTests {
    static let now: Int64 = 1_800_000_000
    static let rules = ServiceAccountTokens.Rules(
        issuer: "https://kubernetes.default.svc", audience: "etl-express",
        subjects: [
            .worker: ["system:serviceaccount:etl:worker"], .keeper: ["system:serviceaccount:etl:keeper"],
        ], peopleSubjects: ["system:serviceaccount:etl:nightly"])

    static func claims(
        issuer: String = "https://kubernetes.default.svc", audience: String = #"["etl-express"]"#,
        subject: String = "system:serviceaccount:etl:worker", times: String = #""exp":1800000600,"nbf":1800000000"#
    ) -> String {
        #"{"aud":\#(audience),"iss":"\#(issuer)","sub":"\#(subject)",\#(times)}"#
    }

    /// Tokens judged by a document with these keys, at `now`.
    final class Issuer {
        let path = FileManager.default.temporaryDirectory.appending(path: "keys-\(UUID().uuidString).json").path
        let rsa = SigningKey(.rsa(bits: 2048), id: "one")
        let curve = SigningKey(.p256, id: "two")

        init() throws { try publish([rsa.json, curve.json]) }
        deinit { unsafe unlink(path) }

        func publish(_ keys: [String]) throws {
            try Data(#"{"keys":[\#(keys.joined(separator: ","))]}"#.utf8).write(
                to: URL(fileURLWithPath: path), options: .atomic)
        }

        func tokens(now: Int64 = ServiceAccountTests.now) throws -> ServiceAccountTokens {
            try ServiceAccountTokens(keys: path, rules: ServiceAccountTests.rules) { now }
        }
    }

    @Test("a good token of either kind of signature admits")
    func good() throws {
        let issuer = try Issuer()
        let tokens = try issuer.tokens()
        for key in [issuer.rsa, issuer.curve] {
            for _ in 0..<20 { #expect(tokens.admits(key.token(Self.claims()), role: .worker) == nil) }
            let keeper = Self.claims(audience: #""etl-express""#, subject: "system:serviceaccount:etl:keeper")
            #expect(tokens.admits(key.token(keeper), role: .keeper) == nil)
            #expect(
                tokens.admits(key.token(keeper), role: .worker)?.code == .subject, "each role has accounts of its own")
            let withoutID = key.token(Self.claims(), header: #"{"alg":"\#(key.algorithm)"}"#)
            #expect(tokens.admits(withoutID, role: .worker) == nil, "each key is tried")
        }
    }

    @Test("times have a minute's grace, and no more")
    func times() throws {
        let issuer = try Issuer()
        let token = issuer.curve.token(Self.claims())
        for (now, code) in [
            (1_799_999_939, .notYetValid), (1_799_999_940, nil), (1_800_000_659, nil), (1_800_000_660, .expired),
        ] as [(Int64, Refusal.Code?)] {
            #expect(try issuer.tokens(now: now).admits(token, role: .worker)?.code == code, "at \(now)")
        }
        let tokens = try issuer.tokens()
        for (times, code) in [
            (#""iat":1"#, .expired), (#""exp":"1800000600""#, .expired), (#""exp":-1"#, .expired),
            (#""exp":1800000600.5"#, nil),
            (#""exp":9223372036854775807"#, nil), (#""exp":1e30"#, .expired),
            (#""exp":1800000600,"nbf":null"#, .notYetValid),
            (#""exp":1800000600,"nbf":9223372036854775807"#, .notYetValid),
        ] as [(String, Refusal.Code?)] {
            #expect(
                tokens.admits(issuer.curve.token(Self.claims(times: times)), role: .worker)?.code == code, "\(times)")
        }
    }

    @Test("who is not meant is refused, each for its own reason")
    func foreign() throws {
        let issuer = try Issuer()
        let tokens = try issuer.tokens()
        let stranger = SigningKey(.p256, id: "two")
        let unknown = SigningKey(.rsa(bits: 2048), id: "three")
        let key = issuer.rsa
        for (token, code) in [
            (key.token(Self.claims(issuer: "https://elsewhere")), .issuer),
            (key.token(Self.claims(audience: #"["vault"]"#)), .audience),
            (key.token(Self.claims(audience: "[]")), .audience),
            (key.token(Self.claims(audience: "7")), .audience),
            (key.token(Self.claims(subject: "system:serviceaccount:etl:default")), .subject),
            (key.token(Self.claims(subject: "system:serviceaccount:etl:nightly")), .subject),
            (stranger.token(Self.claims()), .signature), (unknown.token(Self.claims()), .unknownKey),
            // RS256 claimed of the curve's key.
            (issuer.curve.token(Self.claims(), header: #"{"alg":"RS256","kid":"two"}"#), .unknownKey),
        ] as [(String, Refusal.Code)] {
            let refusal = tokens.admits(token, role: .worker)
            #expect(refusal?.code == code)
            #expect(refusal.map { !$0.reason.contains("eyJ") && !$0.reason.contains("serviceaccount:") } == true)
        }
        let person = key.token(Self.claims(subject: "system:serviceaccount:etl:nightly"))
        #expect(tokens.admits(person, role: nil) == nil)
        #expect(tokens.admits(key.token(Self.claims()), role: nil)?.code == .subject)
    }

    @Test("no signature, and one by a shared secret that is the public key, are refused")
    func algorithms() throws {
        let issuer = try Issuer()
        let tokens = try issuer.tokens()
        let body = base64URL(Array(Self.claims().utf8))
        for algorithm in ["none", "None", "nOnE", "HS256", "RS512", "PS256", "rs256", ""] {
            let signed = base64URL(Array(#"{"alg":"\#(algorithm)","kid":"one"}"#.utf8)) + "." + body
            let secret = Array(issuer.rsa.json.utf8)
            let mac = (0..<32).map { UInt8($0) } + secret.prefix(0)
            for signature in ["", base64URL(mac), base64URL(hmac(secret, Array(signed.utf8)))] {
                #expect(tokens.admits(signed + "." + signature, role: .worker)?.code == .algorithm)
            }
        }
        for header in [#"{"kid":"one"}"#, #"{"alg":7,"kid":"one"}"#, #"{"alg":["RS256"],"kid":"one"}"#] {
            #expect(tokens.admits(issuer.rsa.token(Self.claims(), header: header), role: .worker)?.code == .algorithm)
        }
    }

    /// HMAC-SHA-256, as a library would sign that takes the public key for a secret.
    func hmac(_ key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: 32)
        var count: CUnsignedInt = 0
        unsafe HMAC(EVP_sha256(), key, CInt(key.count), message, message.count, &out, &count)
        return out
    }

    @Test("altered, truncated, padded and doubled tokens are refused")
    func altered() throws {
        let issuer = try Issuer()
        let tokens = try issuer.tokens()
        for key in [issuer.rsa, issuer.curve] {
            let token = key.token(Self.claims())
            #expect(tokens.admits(token, role: .worker) == nil)
            let parts = token.split(separator: ".").map(String.init)
            let other = base64URL(Array(Self.claims(subject: "system:serviceaccount:etl:nightly").utf8))
            #expect(tokens.admits("\(parts[0]).\(other).\(parts[2])", role: nil)?.code == .signature)
            for length in 0..<token.utf8.count {
                #expect(tokens.admits(String(token.prefix(length)), role: .worker) != nil, "\(length) characters")
            }
            for bad in [
                token + "=", token + ".", token + " ", token + "\n", " " + token, token + "A", "." + token,
                token.replacing(".", with: ".."), "\(parts[0]).\(parts[1]).", "..", "",
                String(repeating: "A", count: Limits.longestCredential + 1),
            ] {
                #expect(tokens.admits(bad, role: .worker) != nil)
            }
            // Bits that the last character does not need must be zero, so that a token has one form.
            let last = String(parts[2].last == "A" ? "B" : "A")
            #expect(tokens.admits(token.dropLast() + last, role: .worker) != nil)
            let doubled =
                #"{"aud":["etl-express"],"aud":["etl-express"],"iss":"https://kubernetes.default.svc","sub":"system:serviceaccount:etl:worker","exp":1800000600}"#
            #expect(tokens.admits(key.token(doubled), role: .worker)?.code == .malformed)
            let critical = #"{"alg":"\#(key.algorithm)","kid":"\#(key.id)","crit":["exp"]}"#
            #expect(tokens.admits(key.token(Self.claims(), header: critical), role: .worker)?.code == .malformed)
            for body in ["[]", "7", "", "{", #""a""#] {
                #expect(tokens.admits(key.token(body), role: .worker)?.code == .malformed)
            }
        }
        var zero = issuer.curve.token(Self.claims()).split(separator: ".").map(String.init)
        zero[2] = base64URL([UInt8](repeating: 0, count: 64))
        #expect(tokens.admits(zero.joined(separator: "."), role: .worker)?.code == .signature)
    }

    @Test("keys are read again when their file changes, and while it is of no use nobody is admitted")
    func rotation() throws {
        let issuer = try Issuer()
        let tokens = try issuer.tokens()
        let next = SigningKey(.p256, id: "next")
        #expect(tokens.admits(next.token(Self.claims()), role: .worker)?.code == .unknownKey)
        try issuer.publish([issuer.rsa.json, next.json])
        #expect(tokens.admits(next.token(Self.claims()), role: .worker) == nil)
        #expect(tokens.admits(issuer.curve.token(Self.claims()), role: .worker)?.code == .unknownKey)
        try issuer.publish([])
        #expect(tokens.admits(next.token(Self.claims()), role: .worker)?.code == .unavailable)
        unsafe unlink(issuer.path)
        #expect(tokens.admits(next.token(Self.claims()), role: .worker)?.code == .unavailable)
        try issuer.publish([next.json])
        #expect(tokens.admits(next.token(Self.claims()), role: .worker) == nil)
    }

    @Test("keys that are too short, off their curve or of other uses are no keys")
    func weakKeys() throws {
        let issuer = try Issuer()
        let short = SigningKey(.rsa(bits: 1024), id: "short")
        let zeros = base64URL([UInt8](repeating: 0, count: 31) + [1])
        for key in [
            short.json, issuer.rsa.json.replacing(#""use":"sig""#, with: #""use":"enc""#),
            issuer.rsa.json.replacing("RS256", with: "HS256"),
            #"{"kty":"oct","k":"c2VjcmV0","alg":"HS256","kid":"one"}"#,
            issuer.curve.json.replacing("P-256", with: "P-384"), "{}", "7",
        ] {
            try issuer.publish([key])
            #expect(throws: ServiceAccountTokens.FileError.self) { try issuer.tokens() }
        }
        try issuer.publish([#"{"kty":"EC","crv":"P-256","kid":"two","x":"\#(zeros)","y":"\#(zeros)"}"#])
        #expect(try issuer.tokens().admits(issuer.curve.token(Self.claims()), role: .worker)?.code == .signature)
    }
}
