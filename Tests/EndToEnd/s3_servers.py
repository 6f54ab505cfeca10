#!/usr/bin/env python3
"""What the tests of S3 need of other programs.

usage: s3_servers.py moto                              starts moto, prints its port; ends when standard input does
       s3_servers.py bucket ENDPOINT NAME [versioned]  makes a bucket with boto3
"""
import os, sys

if sys.argv[1] == "moto":
    try:
        from moto.server import ThreadedMotoServer
    except ImportError:
        sys.exit(3)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    sys.stdin.read()
    os._exit(0)

import boto3
from botocore.config import Config

client = boto3.client("s3", endpoint_url=sys.argv[2], region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))
client.create_bucket(Bucket=sys.argv[3])
if "versioned" in sys.argv:
    client.put_bucket_versioning(Bucket=sys.argv[3], VersioningConfiguration={"Status": "Enabled"})
