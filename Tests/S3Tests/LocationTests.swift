import Testing

@testable import S3

@Suite("locations")
struct LocationTests {
    @Test("a URL and the environment give a location")
    func parsing() throws {
        let plain = try S3Location.parse("s3://bucket//a/b/", environment: [:])
        #expect(plain.bucket == "bucket" && plain.prefix == "a/b" && plain.region == "us-east-1")
        #expect(plain.endpoints.isEmpty && !plain.usesPathStyle && plain.description == "s3://bucket/a/b")
        let own = try S3Location.parse(
            "s3://bucket",
            environment: [
                "AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ENDPOINT_URL": "http://other:1",
                "AWS_ENDPOINT_URL_S3": "HTTPS://Store.Example:8443/", "AWS_CA_BUNDLE": "/ca.pem",
            ])
        #expect(own.region == "eu-central-1" && own.endpoints == ["https://store.example:8443"])
        #expect(own.usesPathStyle && own.authorityFile == "/ca.pem" && own.description == "s3://bucket")
    }

    @Test(
        "what cannot be a location is refused, without repeating it",
        arguments: [
            "bucket", "http://bucket", "s3://", "s3://ab", "s3://user@bucket", "s3://bucket/a?x", "s3://bucket/../a",
            "s3://bu cket", "s3://bucket/a\nb", "s3://.bucket",
        ])
    func refusing(url: String) {
        #expect { try S3Location.parse(url, environment: [:]) } throws: { error in
            (error as? S3Error)?.code == .badLocation && !"\(error)".contains("user@")
        }
    }

    @Test(
        "endpoints are scheme, host and port alone",
        arguments: ["ftp://a", "http://", "http://u:p@a", "http://a/path", "a:9000"])
    func endpoints(endpoint: String) {
        #expect { try S3Location(bucket: "bucket", region: "r", endpoints: [endpoint]) } throws: { error in
            (error as? S3Error)?.code == .badLocation && !"\(error)".contains("u:p")
        }
    }

    @Test("the host is the bucket's at AWS, and the endpoint's elsewhere")
    func addresses() throws {
        func address(_ location: S3Location) -> String {
            let address = location.address(fullKey: location.fullKey("a b"))
            #expect(address.base.hasSuffix("://\(address.host)"))
            return address.base + address.path
        }
        #expect(
            address(try S3Location(bucket: "one", prefix: "p", region: "eu-west-1"))
                == "https://one.s3.eu-west-1.amazonaws.com/p/a%20b")
        #expect(
            address(try S3Location(bucket: "one.two", region: "cn-north-1"))
                == "https://s3.cn-north-1.amazonaws.com.cn/one.two/a%20b")
        #expect(
            address(try S3Location(bucket: "one", region: "r", endpoints: ["http://h:80", "http://i:9000"]))
                == "http://h/one/a%20b")
        #expect(
            address(
                try S3Location(bucket: "one", region: "r", endpoints: ["http://h:9000"], usesPathStyle: false))
                == "http://one.h:9000/a%20b")
        let ways = try S3Location(bucket: "one", region: "r", endpoints: ["http://h", "http://i"]).throughEachEndpoint
        #expect(ways.map(\.endpoints) == [["http://h"], ["http://i"]])
    }

    @Test("keys are relative to the prefix, whatever letter comes first")
    func keys() throws {
        let location = try S3Location(bucket: "one", prefix: "p", region: "r").appending("q/")
        #expect(location.prefix == "p/q")
        #expect(Array(location.relativeKey(location.fullKey("\u{301}x")).utf8) == Array("\u{301}x".utf8))
    }
}
