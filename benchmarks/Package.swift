// swift-tools-version: 6.2
import PackageDescription

// Apart from the package itself, so that nothing here is part of what is installed.
let package = Package(
    name: "benchmarks",
    dependencies: [.package(name: "etl-express", path: "..")],
    targets: [
        .target(name: "CPeers", linkerSettings: [.linkedLibrary("crypto")]),
        .executableTarget(
            name: "Kernels", dependencies: ["CPeers", .product(name: "CKernels", package: "etl-express")],
            swiftSettings: [.swiftLanguageMode(.v6)]),
    ]
)
