"""A certificate authority for one cluster, with the certificates of its roles; made by openssl, valid for a week."""
import os
import subprocess

SERVER_NAME = "coordinator.cluster.local"


class Certificates:
    """PEM files in a folder; `coordinator` and `worker` are pairs of a certificate and its key."""

    def __init__(self, folder: str):
        self.folder = folder
        self.authority = os.path.join(folder, "ca.pem")

    def pair(self, name: str) -> tuple[str, str]:
        return os.path.join(self.folder, f"{name}.pem"), os.path.join(self.folder, f"{name}.key")

    def make(self, addresses: list[str]) -> None:
        """Makes the authority, a server's certificate for `addresses` and a client's."""
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        key = os.path.join(self.folder, "ca.key")
        new_key(key)
        openssl("req", "-x509", "-key", key, "-out", self.authority, "-days", "7", "-subj", "/CN=Local cluster",
                "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        names = ",".join([f"DNS:{SERVER_NAME}", "DNS:localhost", *(f"IP:{address}" for address in addresses)])
        self.sign("coordinator", SERVER_NAME, f"subjectAltName={names}\nextendedKeyUsage=serverAuth,clientAuth")
        self.sign("worker", "worker.cluster.local", "extendedKeyUsage=clientAuth")

    def sign(self, name: str, common_name: str, extensions: str) -> None:
        certificate, key = self.pair(name)
        request, extra = f"{certificate}.csr", f"{certificate}.ext"
        new_key(key)
        openssl("req", "-new", "-key", key, "-out", request, "-subj", f"/CN={common_name}")
        with open(extra, "w") as file:
            file.write(f"basicConstraints=CA:FALSE\n{extensions}\n")
        openssl("x509", "-req", "-in", request, "-CA", self.authority, "-CAkey", os.path.join(self.folder, "ca.key"),
                "-CAcreateserial", "-days", "7", "-extfile", extra, "-out", certificate)
        os.remove(request)
        os.remove(extra)


def new_key(path: str) -> None:
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
    os.chmod(path, 0o600)


def openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.strip()[-300:]}")
