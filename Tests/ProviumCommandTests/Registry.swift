import ProviumSystem

/// A registry of container images on loopback: the part of the distribution protocol of OCI that a client reads.
final class Registry {
  let port: String
  private let project: Project
  private var pid: String?

  /// Starts the registry. It ends after five minutes if it is not stopped.
  /// - Parameters:
  ///   - tags: the folders of the project that are images, by their tags. The layer of the image `cut` does not fit its
  ///     digest. A missing folder is an image with one empty file.
  ///   - isSecure: with TLS, and the login `user` with the password `secret`. `registry.pem` is the certificate.
  init(in project: Project, tags: [String: String], isSecure: Bool = false) throws {
    self.project = project
    try project.write(Self.program, to: "registry.py")
    if isSecure {
      try project.shell(
        """
        openssl req -x509 -newkey rsa:2048 -nodes -keyout registry.key -out registry.pem -days 2 -subj /CN=registry \
          -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:0.0.0.0 2> openssl.log || { cat openssl.log; exit 1; }
        """
      )
    }
    let arguments = tags.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    let words = try project.shell("python3 registry.py \(isSecure ? "secure" : "plain") \(arguments)").split(
      separator: " "
    )
    (port, pid) = (String(words[0]), String(words[1]).trimmed)
  }

  /// Idempotent.
  func stop() {
    if let pid { _ = try? project.shell("kill \(pid)") }
    pid = nil
  }

  private static let program = """
    import base64, gzip, hashlib, http.server, json, os, signal, socket, ssl, subprocess, sys
    secure = sys.argv[1] == "secure"
    blobs, tags = {}, {}
    def blob(kind, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        blobs[digest] = kind, data
        return {"mediaType": "application/vnd.oci.image." + kind, "digest": digest, "size": len(data)}
    def image(folder):
        tar = subprocess.run(["tar", "-C", folder, "-cf", "-", "."], stdout=subprocess.PIPE, check=True).stdout
        layer = blob("layer.v1.tar+gzip", gzip.compress(tar, 1))
        facts = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers",
            "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest()]}}
        config = blob("config.v1+json", json.dumps(facts).encode())
        return {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": [layer]}
    for name, folder in (argument.split("=") for argument in sys.argv[2:]):
        if not os.path.isdir(folder):
            os.mkdir(folder)
            open(folder + "/file", "w").close()
        manifest = image(folder)
        if name == "cut":
            digest = "sha256:" + "0" * 64
            blobs[digest] = "layer.v1.tar+gzip", b"cut"
            manifest["layers"] = [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest, "size": 3}]
        tags[name] = blob("manifest.v1+json", json.dumps(manifest).encode())["digest"]
    login = "Basic " + base64.b64encode(b"user:secret").decode()
    def error(code, message): return json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def answer(self, status, kind, data, headers={}):
            self.send_response(status)
            for header, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
                self.send_header(header, value)
            self.end_headers()
            if self.command == "GET": self.wfile.write(data)
        def do_GET(self):
            if secure and self.headers.get("Authorization") != login:
                self.answer(401, "application/json", error("UNAUTHORIZED", "authentication required"),
                    {"WWW-Authenticate": 'Basic realm="registry"'})
                return
            name = self.path.split("/")[-1]
            digest = tags.get(name, name)
            if digest in blobs:
                kind, data = blobs[digest]
                self.answer(200, "application/vnd.oci.image." + kind, data, {"Docker-Content-Digest": digest})
            else:
                self.answer(200 if self.path == "/v2/" else 404, "application/json", error("MANIFEST_UNKNOWN", "manifest unknown"))
        do_HEAD = do_GET
        def log_message(self, *arguments): pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("registry.pem", "registry.key")
        # The handshake belongs to the thread of its connection.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    child = os.fork()
    if child:
        print(server.server_port, child)
    else:
        os.close(1); os.close(2)
        signal.alarm(300)
        server.serve_forever()
    """
}
