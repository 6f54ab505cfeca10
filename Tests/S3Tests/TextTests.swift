import Testing

@testable import S3

@Suite("documents and dates")
struct TextTests {
    private func parse(_ text: String) -> XMLElement? { try? XMLScanner.root(of: Array(text.utf8)) }

    @Test("an answer is read with entities, CDATA, comments, namespaces and attributes")
    func reading() throws {
        let root = try #require(
            parse(
                """
                <?xml version="1.0" encoding="UTF-8"?>
                <!-- a --><s3:ListBucketResult xmlns:s3="http://x/" a='>'>
                  <Key>a&amp;b&#x20;&#252;&lt;&gt;&quot;&apos;</Key><Key><![CDATA[<raw> & ]]>tail</Key>
                  <Empty/><!-- b --><Deep><In>1</In></Deep></s3:ListBucketResult>

                """))
        #expect(root.name == "ListBucketResult")
        #expect(root.all("Key").map(\.text) == ["a&b ü<>\"'", "<raw> & tail"])
        #expect(root.text("Empty") == "")
        #expect(root["Deep"]?.text("In") == "1")
        #expect(root["Absent"] == nil)
    }

    @Test(
        "what is no such document is refused",
        arguments: [
            "", "text", "<a>", "<a></b>", "<a/><b/>", "<a>&nbsp;</a>", "<a>&#0;</a>", "<a>&#xD800;</a>", "<a>&amp</a>",
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "<a b></a>", "<a b=c/>", "<a><![CDATA[</a>", "<a", "<>",
            "</a>",
        ])
    func refusing(text: String) {
        #expect(parse(text) == nil)
    }

    @Test("deep and long documents are refused")
    func bounds() {
        let depth = 40
        #expect(parse(String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)) == nil)
        #expect(parse("<a>" + String(repeating: " ", count: XMLScanner.byteLimit) + "</a>") == nil)
        #expect((try? XMLScanner.root(of: Array("<a>".utf8) + [0xff] + Array("</a>".utf8))) == nil)
    }

    @Test("dates of all three forms are instants")
    func dates() {
        let instant: Int64 = 1_369_353_600_000
        #expect(Dates.milliseconds(http: "Fri, 24 May 2013 00:00:00 GMT") == instant)
        #expect(Dates.milliseconds(iso: "2013-05-24T00:00:00.000Z") == instant)
        #expect(Dates.milliseconds(iso: "2013-05-24T00:00:00.5Z") == instant + 500)
        #expect(Dates.milliseconds(iso: "2013-05-24T00:00:00Z") == instant)
        #expect(Dates.timestamp(instant) == "20130524T000000Z")
        for text in ["", "2013-05-24", "2013-13-24T00:00:00Z", "2013-05-24T00:00:00+01:00", "2013-05-24T00:00:00.xZ"] {
            #expect(Dates.milliseconds(iso: text) == nil)
        }
        #expect(Dates.milliseconds(http: "Friday, 24-May-13 00:00:00 GMT") == nil)
        for day in stride(from: Int64(0), to: 60_000, by: 17) {
            let text = Dates.timestamp(day * 86_400_000 + 45_296_000)
            let bytes = Array(text)
            let iso = "\(String(bytes[0..<4]))-\(String(bytes[4..<6]))-\(String(bytes[6..<8]))T12:34:56Z"
            #expect(Dates.milliseconds(iso: iso) == day * 86_400_000 + 45_296_000)
        }
    }

    /// RFC 4648, section 10; RFC 1321, A.5.
    @Test("digests and base64 are those of their standards")
    func digests() {
        #expect(
            ["", "f", "fo", "foo", "foob"].map { Digests.base64(Array($0.utf8)) } == [
                "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==",
            ])
        #expect(Digests.hexadecimal(Digests.md5(Array("abc".utf8))) == "900150983cd24fb0d6963f7d28e17f72")
        #expect(Digests.bytes(hexadecimal: "00fF") == [0, 255])
        #expect(Digests.bytes(hexadecimal: "0g") == nil && Digests.bytes(hexadecimal: "0") == nil)
    }

    @Test("only words of a server's answer get into errors")
    func words() {
        func code(_ text: String) -> String? { ServerCode.inXML(Array("<Error><Code>\(text)</Code></Error>".utf8)) }
        #expect(code("NoSuchKey") == "NoSuchKey")
        #expect(code("Jane Doe, born 1970") == nil)
        #expect(code("") == nil)
        #expect(code(String(repeating: "a", count: 65)) == nil)
    }
}
