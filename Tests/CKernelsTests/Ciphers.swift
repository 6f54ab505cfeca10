import CKernels

/// FF1 of texts, as a test writes it: nil for a row that was not done.
struct FF1Fixture {
    private var cipher: kernel_ff1_cipher

    /// nil when key, alphabet or tweak are refused.
    init?(
        key: [UInt8], alphabet: [UInt8], tweak: [UInt8] = [], leastDomain: UInt64 = UInt64(KERNEL_FF1_LEAST_DOMAIN)
    ) {
        cipher = kernel_ff1_cipher()
        let made = unsafe kernel_ff1_cipher_make(
            &cipher, key, key.count, alphabet, alphabet.count, tweak, tweak.count, leastDomain)
        if !made { return nil }
    }

    var shortest: Int { Int(cipher.shortest) }

    typealias Column = (
        UnsafePointer<kernel_ff1_cipher>?, UnsafePointer<UInt8>?, UnsafePointer<Int32>?, UnsafePointer<UInt8>?, Int,
        UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<UInt8>?
    ) -> Int

    enum Direction { case encrypt, decrypt, referenceEncrypt, referenceDecrypt }

    /// The output of a column, its statuses and the number of rows not done; buffers end at protected pages, or `distance`
    /// bytes before.
    func run(
        _ direction: Direction, _ column: ColumnFixture, distance: Int = 0
    ) -> (text: [UInt8], status: [UInt8], refused: Int) {
        let bytes = ProtectedBytes(column.bytes, distance: distance)
        let outCount = Int(column.offsets.last! - column.offsets[0])
        let out = ProtectedBytes([UInt8](repeating: 0xA5, count: outCount), distance: distance)
        let validity = column.validity.map { ProtectedBytes($0, distance: distance) }
        let status = ProtectedBytes([UInt8](repeating: 0xA5, count: column.rowCount), distance: distance)
        let kernel: Column
        switch direction {
        case .encrypt: unsafe kernel = kernel_ff1_encrypt_i32
        case .decrypt: unsafe kernel = kernel_ff1_decrypt_i32
        case .referenceEncrypt: unsafe kernel = reference_ff1_encrypt_i32
        case .referenceDecrypt: unsafe kernel = reference_ff1_decrypt_i32
        }
        let refused = unsafe withUnsafePointer(to: cipher) { cipher in
            unsafe kernel(
                cipher, bytes.start, column.offsets, validity?.start, column.rowCount, out.start, status.start)
        }
        return (out.contents, status.contents, refused)
    }

    func one(_ direction: Direction, _ text: [UInt8]) -> [UInt8]? {
        let result = run(direction, ColumnFixture(values: [text]))
        return result.refused == 0 ? result.text : nil
    }
}

extension ColumnFixture {
    init(values: [[UInt8]], validity: [UInt8]? = nil) {
        bytes = values.flatMap { $0 }
        offsets = [0]
        for value in values { offsets.append(offsets.last! + Int32(value.count)) }
        self.validity = validity
    }
}
