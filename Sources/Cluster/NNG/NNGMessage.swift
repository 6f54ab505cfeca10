internal import CNNG

/// nng's results as errors.
func check(_ result: CInt, _ code: ClusterError.Code) throws(ClusterError) {
    guard result != 0 else { return }
    throw ClusterError(code, reason: unsafe String(cString: nng_strerror(result)))
}

/// Sends bytes: nng owns the message once a send succeeds, and it is ours to free when the send fails.
func sendMessage(_ bytes: [UInt8], on socket: nng_socket) throws(ClusterError) {
    var message: OpaquePointer?
    unsafe try check(nng_msg_alloc(&message, 0), .unanswered)
    let appended = unsafe bytes.withUnsafeBytes { unsafe nng_msg_append(message, $0.baseAddress, $0.count) }
    let result = unsafe appended == 0 ? nng_sendmsg(socket, message, 0) : appended
    if result != 0 { unsafe nng_msg_free(message) }
    try check(result, .unanswered)
}

func receiveMessage(on socket: nng_socket) throws(ClusterError) -> [UInt8] {
    var message: OpaquePointer?
    unsafe try check(nng_recvmsg(socket, &message, 0), .unanswered)
    defer { unsafe nng_msg_free(message) }
    return unsafe [UInt8](UnsafeRawBufferPointer(start: nng_msg_body(message), count: nng_msg_len(message)))
}
