#!/usr/bin/env python3
"""What the tests of S3 need of other programs.

usage: s3_servers.py moto                              starts moto, prints its port; ends when standard input does
       s3_servers.py bucket ENDPOINT NAME [versioned]  makes a bucket with boto3
"""
import os, sys, threading

if sys.argv[1] == "moto":
    try:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
        from werkzeug.serving import make_server
    except ImportError:
        sys.exit(3)
    moto, creating = DomainDispatcherApplication(create_backend_app), threading.Lock()

    def one_creates(environ, start_response):
        """moto looks and writes without a lock, so that two racers may both create a name; S3 promises that one does."""
        if "HTTP_IF_NONE_MATCH" not in environ:
            return moto(environ, start_response)
        with creating:
            return list(moto(environ, start_response))

    server = make_server("127.0.0.1", 0, one_creates, True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    os._exit(0)

import boto3
from botocore.config import Config

client = boto3.client("s3", endpoint_url=sys.argv[2], region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))
client.create_bucket(Bucket=sys.argv[3])
if "versioned" in sys.argv:
    client.put_bucket_versioning(Bucket=sys.argv[3], VersioningConfiguration={"Status": "Enabled"})
