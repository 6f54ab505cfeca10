"""Fetches a page and prints what Prometheus's own parser reads in it: a line of JSON for each sample.

usage: metrics_check.py URL
"""
import json
import sys
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

loopback = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with loopback.open(sys.argv[1], timeout=10) as answer:
    if not answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"):
        sys.exit("another content type")
    page = answer.read().decode("utf-8")

for family in text_string_to_metric_families(page):
    for sample in family.samples:
        labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
        print(json.dumps([family.type, sample.name, labels, repr(float(sample.value))]))
