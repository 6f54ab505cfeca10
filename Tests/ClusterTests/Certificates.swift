import Foundation
import Testing

@testable import Cluster

/// Certificates for tests, made by openssl in a temporary folder: of two authorities, with dates that suit or do not.
struct Certificates: Sendable {
    static let shared = Result { try Certificates() }

    let folder: String

    /// Files of the names that `script` makes.
    func files(_ name: String, authority: String = "ca", serverName: String? = "coordinator") -> TLSFiles {
        TLSFiles(
            authority: "\(folder)/\(authority).pem", certificate: "\(folder)/\(name).pem",
            privateKey: "\(folder)/\(name).key", serverName: serverName)
    }

    /// Of a listener and of a dialler that get along.
    var server: TLSFiles { files("server") }
    var client: TLSFiles { files("client") }

    private init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "certificates-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-eu", "-c", Self.script]
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl makes certificates")
    }

    private static let script = """
        umask 077
        request() { # NAME SUBJECT
            openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $1.key
            openssl req -new -key $1.key -subj /CN=$2 -out $1.csr
        }
        self_signed() { # NAME SUBJECT
            request $1 $2
            openssl x509 -req -in $1.csr -signkey $1.key -days 30 -extfile $3 -out $1.pem
        }
        signed() { # NAME SUBJECT AUTHORITY START END
            request $1 $2
            printf 'subjectAltName=DNS:%s\\n' $2 > $1.ext
            openssl ca -batch -notext -config ca.conf -cert $3.pem -keyfile $3.key -startdate $4 -enddate $5 \\
                -extfile $1.ext -in $1.csr -out $1.pem
        }
        printf 'basicConstraints=critical,CA:true\\nkeyUsage=critical,keyCertSign\\n' > authority.ext
        printf 'subjectAltName=DNS:coordinator\\n' > plain.ext
        cat > ca.conf <<END
        [ca]
        default_ca = test
        [test]
        database = index.txt
        serial = serial
        new_certs_dir = .
        default_md = sha256
        policy = any
        unique_subject = no
        [any]
        commonName = supplied
        END
        touch index.txt
        echo 1000 > serial
        self_signed ca authority authority.ext
        self_signed foreign-ca foreign authority.ext
        past=20200101000000Z; yesterday=$(date -u -d yesterday +%Y%m%d000000Z)
        tomorrow=$(date -u -d '2 days' +%Y%m%d000000Z); future=20490101000000Z
        for side in server:coordinator client:worker; do
            name=${side%%:*}; subject=${side##*:}
            signed $name $subject ca $yesterday $future
            signed $name-expired $subject ca $past $yesterday
            signed $name-early $subject ca $tomorrow $future
            signed $name-foreign $subject foreign-ca $yesterday $future
            self_signed $name-own $subject plain.ext
        done
        signed server-elsewhere elsewhere ca $yesterday $future
        """
}
