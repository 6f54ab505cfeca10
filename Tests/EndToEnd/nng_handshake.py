#!/usr/bin/env python3
"""Tries certificates with libnng itself, one message each; a process of its own, since it speaks to a C library by hand.

usage: nng_handshake.py SERVER SERVER-CA CLIENT CLIENT-CA NAME

SERVER and CLIENT are folders with tls.crt and tls.key (CLIENT may be - for none), the CAs files, NAME the server's. Prints
`ok` when a request arrived, else at which step nng refused and with which of its error numbers.
"""
import ctypes
import os
import socket
import sys


class Handle(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint32)]


def content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def settings(nng, mode: int, folder: str, authority: str, name: str | None) -> ctypes.c_void_p:
    """A TLS configuration that demands the peer's certificate, as the program's does."""
    made = ctypes.c_void_p()
    must(nng.nng_tls_config_alloc(ctypes.byref(made), mode))
    must(nng.nng_tls_config_ca_chain(made, content(authority), None))
    if folder != "-":
        must(nng.nng_tls_config_own_cert(made, content(f"{folder}/tls.crt"), content(f"{folder}/tls.key"), None))
    must(nng.nng_tls_config_auth_mode(made, 2))
    if name:
        must(nng.nng_tls_config_server_name(made, name.encode()))
    return made


def must(code: int) -> None:
    if code:
        sys.exit(f"nng error {code}")


def main() -> str:
    server, server_ca, client, client_ca, name = sys.argv[1:]
    nng = ctypes.CDLL("libnng.so.1")
    for function in (nng.nng_listener_create, nng.nng_dialer_create):
        function.argtypes = [ctypes.POINTER(Handle), Handle, ctypes.c_char_p]
    for function in (nng.nng_listener_setopt_ptr, nng.nng_dialer_setopt_ptr):
        function.argtypes = [Handle, ctypes.c_char_p, ctypes.c_void_p]
    must(nng.nng_tls_register())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"tls+tcp://127.0.0.1:{free.getsockname()[1]}".encode()
    reply, request, listener, dialer = Handle(), Handle(), Handle(), Handle()
    must(nng.nng_rep0_open(ctypes.byref(reply)))
    must(nng.nng_req0_open(ctypes.byref(request)))
    for end, option in ((request, b"send-timeout"), (reply, b"recv-timeout")):
        must(nng.nng_socket_set_ms(end, option, 2000))
    must(nng.nng_listener_create(ctypes.byref(listener), reply, url))
    must(nng.nng_listener_setopt_ptr(listener, b"tls-config", settings(nng, 1, server, server_ca, None)))
    must(nng.nng_listener_start(listener, 0))
    must(nng.nng_dialer_create(ctypes.byref(dialer), request, url))
    must(nng.nng_dialer_setopt_ptr(dialer, b"tls-config", settings(nng, 0, client, client_ca, name)))
    code = nng.nng_dialer_start(dialer, 0)
    if code:
        return f"dial {code}"
    code = nng.nng_send(request, b"here", ctypes.c_size_t(4), 0)
    if code:
        return f"send {code}"
    buffer, size = ctypes.create_string_buffer(16), ctypes.c_size_t(16)
    code = nng.nng_recv(reply, buffer, ctypes.byref(size), 0)
    return f"receive {code}" if code else "ok" if buffer.raw[:size.value] == b"here" else "another message"


if __name__ == "__main__":
    print(main(), flush=True)
    # Without closing: nng 1.5 may wait for ever for connections that close.
    os._exit(0)
