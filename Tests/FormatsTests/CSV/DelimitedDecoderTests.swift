import Columnar
import Model
import Testing

@testable import Formats

@Suite("delimited files: records and values")
struct DelimitedDecoderTests {
    @Test("a plain file gives typed columns")
    func typed() throws {
        let table = try read([
            TestFile("id,name,weight,born,seen,ok\n1,Ada,61.5,1815-12-10,2020-01-02 03:04:05,true\n2,,7.25,,,false\n")
        ])
        #expect(table.types == [.int64, .text, .decimal(precision: 4, scale: 2), .date, .timestamp(isUTC: false), .boolean])
        #expect(
            table.rows == [
                ["1", "Ada", "61.50", "1815-12-10", "2020-01-02 03:04:05.000000", "true"],
                ["2", nil, "7.25", nil, nil, "false"],
            ])
    }

    @Test("quotes hold delimiters, newlines and doubled quotes", arguments: ["\n", "\r\n", "\r"])
    func quoted(newline: String) throws {
        let text = ["a,b", "\"x,y\",\"say \"\"hi\"\"\"", "\"two\(newline)lines\",\"\"", ",z"].joined(separator: newline)
        for end in ["", newline] {
            let table = try read([TestFile(text + end)])
            #expect(table.rows == [["x,y", "say \"hi\""], ["two\(newline)lines", ""], [nil, "z"]])
        }
    }
}
