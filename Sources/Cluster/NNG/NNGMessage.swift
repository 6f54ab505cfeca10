internal import CNNG

/// nng's results as errors.
func check(_ result: CInt, _ code: ClusterError.Code) throws(ClusterError) {
    guard result != 0 else { return }
    throw ClusterError(code, reason: errorText(result))
}

extension nng_errno_enum {
    /// As nng's calls return it.
    var code: CInt { CInt(bitPattern: rawValue) }
}

func errorText(_ result: CInt) -> String { unsafe String(cString: nng_strerror(result)) }

/// A message of nng's with these bytes; nil if there is no memory for it. Whoever gets it sends or frees it.
func makeMessage(_ bytes: [UInt8]) -> OpaquePointer? {
    var message: OpaquePointer?
    guard unsafe nng_msg_alloc(&message, 0) == 0 else { return nil }
    guard unsafe bytes.withUnsafeBytes({ unsafe nng_msg_append(message, $0.baseAddress, $0.count) }) == 0 else {
        unsafe nng_msg_free(message)
        return nil
    }
    return unsafe message
}

/// Takes a message's bytes and frees it.
func takeBytes(_ message: OpaquePointer) -> [UInt8] {
    defer { unsafe nng_msg_free(message) }
    return unsafe [UInt8](UnsafeRawBufferPointer(start: nng_msg_body(message), count: nng_msg_len(message)))
}

/// Sends bytes: nng owns the message once a send succeeds, and it is ours to free when the send fails.
func sendMessage(_ bytes: [UInt8], on socket: nng_socket) throws(ClusterError) {
    guard let message = unsafe makeMessage(bytes) else {
        throw ClusterError(.unanswered, reason: errorText(NNG_ENOMEM.code))
    }
    let result = unsafe nng_sendmsg(socket, message, 0)
    if result != 0 { unsafe nng_msg_free(message) }
    try check(result, .unanswered)
}

func receiveMessage(on socket: nng_socket) throws(ClusterError) -> [UInt8] {
    var message: OpaquePointer?
    unsafe try check(nng_recvmsg(socket, &message, 0), .unanswered)
    guard let message = unsafe message else { return [] }
    return unsafe takeBytes(message)
}
