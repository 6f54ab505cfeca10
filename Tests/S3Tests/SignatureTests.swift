import Secrets
import Testing

@testable import S3

/// Values that AWS published.
@Suite("signatures")
struct SignatureTests {
    static let emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    /// "Authenticating Requests: Using the Authorization Header" of the S3 API reference.
    static let guide = S3Credentials(
        accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretKey: WipedBytes("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))

    private func s3Signature(
        _ method: String, _ path: String, query: [(String, String)] = [], headers: [(String, String)] = [],
        payloadHash: String = emptyHash
    ) -> String {
        let request = Signature.Request(
            method: method, path: path, query: query,
            headers: headers + [
                ("Host", "examplebucket.s3.amazonaws.com"), ("x-amz-content-sha256", payloadHash),
                ("x-amz-date", "20130524T000000Z"),
            ], payloadHash: payloadHash)
        let scope = Signature.Scope(region: "us-east-1", service: "s3", timestamp: "20130524T000000Z")
        return Signature.authorization(request, scope, Self.guide)
    }

    @Test("are those of the S3 guide: GET of a range")
    func getObject() {
        #expect(
            s3Signature("GET", "/test.txt", headers: [("Range", "bytes=0-9")])
                == "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
                + "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
                + "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
    }

    @Test("are those of the S3 guide: PUT with a body")
    func putObject() {
        let hash = Digests.hexadecimal(Digests.sha256(Array("Welcome to Amazon S3.".utf8)))
        #expect(hash == "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072")
        let path = URLText.path("/test$file.text")
        #expect(path == "/test%24file.text")
        let signed = s3Signature(
            "PUT", path,
            headers: [("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
            payloadHash: hash)
        #expect(signed.contains("SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,"))
        #expect(signed.hasSuffix("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"))
    }

    @Test("are those of the S3 guide: a query without a value, and a sorted one")
    func queries() {
        #expect(
            s3Signature("GET", "/", query: [("lifecycle", "")])
                .hasSuffix("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"))
        #expect(
            s3Signature("GET", "/", query: [("prefix", "J"), ("max-keys", "2")])
                .hasSuffix("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"))
    }

    /// `aws-sig-v4-test-suite`: cases get-vanilla, post-vanilla, get-vanilla-query-order-key-case.
    @Test(
        "are those of AWS's test suite",
        arguments: [
            ("GET", [], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            ("POST", [], "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            (
                "GET", ["Param2=value2", "Param1=value1"],
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
            ),
        ])
    func suite(method: String, query: [String], signature: String) {
        let credentials = S3Credentials(
            accessKeyID: "AKIDEXAMPLE", secretKey: WipedBytes("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"))
        let request = Signature.Request(
            method: method, path: "/",
            query: query.map { item in
                let sides = item.split(separator: "=").map(String.init)
                return (sides[0], sides[1])
            },
            headers: [("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
            payloadHash: Self.emptyHash)
        let scope = Signature.Scope(region: "us-east-1", service: "service", timestamp: "20150830T123600Z")
        #expect(
            Signature.authorization(request, scope, credentials)
                == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                + "SignedHeaders=host;x-amz-date, Signature=\(signature)")
    }

    /// "Examples of how to derive a signing key" of the AWS general reference.
    @Test("use the signing key that AWS derives")
    func signingKey() {
        let credentials = S3Credentials(
            accessKeyID: "AKIDEXAMPLE", secretKey: WipedBytes("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"))
        let scope = Signature.Scope(region: "us-east-1", service: "iam", timestamp: "20150830T123600Z")
        #expect(
            Digests.hexadecimal(Signature.signingKey(scope, credentials))
                == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9")
    }

    @Test("leave slashes, dots and doubled slashes of a key as they are, and encode it once")
    func paths() {
        #expect(URLText.path("/a//b/../c d/%41/~ü+") == "/a//b/../c%20d/%2541/~%C3%BC%2B")
        #expect(URLText.query([("b", "x y"), ("a", "1"), ("a", "/")]) == "a=%2F&a=1&b=x%20y")
        #expect(URLText.decoded("a+b%2Bc%zz%C3%BC%") == "a b+c%zzü%")
    }

    @Test("do not print what they are made of")
    func secrets() {
        let credentials = S3Credentials(
            accessKeyID: "AKIDEXAMPLE", secretKey: WipedBytes("hidden-secret"),
            sessionToken: WipedBytes("hidden-token"))
        for text in ["\(credentials)", String(reflecting: credentials), "\(credentials.secretKey)"] {
            #expect(!text.contains("hidden") && !text.contains("AKIDEXAMPLE"))
        }
        var dumped = ""
        dump(credentials, to: &dumped)
        #expect(!dumped.contains("hidden"))
    }
}
