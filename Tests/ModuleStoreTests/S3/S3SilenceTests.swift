import Model
import S3
import Testing

@testable import ModuleStore

/// A bucket that never answers.
@Suite("A silent bucket")
struct S3SilenceTests {
    @Test("a description that gets no answer is a failure like any other: nothing refers to it")
    func descriptionWithoutAnswer() throws {
        let location = try S3Location(
            bucket: "bucket", prefix: "p", region: "us-east-1", endpoints: ["http://127.0.0.1:1"])
        let credentials = CredentialsChain(
            environment: ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"], region: "us-east-1")
        let storage = S3Storage(location, credentials: credentials, patience: .milliseconds(300))
        let description = #expect(throws: StoreError.self) {
            try storage.describe("clinic/runs/a/croissant.json", [1], replaces: false)
        }
        #expect(description?.code == .unreachable && description?.failure.isUnknownCommit == false)
        // A record that gets none is another matter.
        let record = #expect(throws: StoreError.self) {
            try storage.create("clinic/_versions/00000001.json", [1], attempt: "a")
        }
        #expect(record?.code == .unknown && record?.failure.isUnknownCommit == true)
    }
}
