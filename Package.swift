// swift-tools-version: 6.2
import PackageDescription

/// `ops/test` sets ETL_TESTING and builds a release without optimisation: libraries leave out what they check for their
/// developers in a debug build, modules are compiled whole, and little time goes into optimising, but for our modules in
/// whose loops a test's time goes. `-Onone` for all comes from the command line, behind all flags of a target; what
/// `-Xfrontend` brings comes last.
let isTesting = Context.environment["ETL_TESTING"] != nil
let optimised: Set<String> =
    isTesting
    ? [
        "Model", "Columnar", "Formats", "FormatsTests", "Transform", "Extract", "ModuleStore", "Scheduling", "Cluster",
        "Coordinator", "KernelCheck", "Postgres", "S3", "Worker",
    ] : []

func settings(_ target: String) -> [SwiftSetting] {
    house + (optimised.contains(target) ? [.unsafeFlags(["-Xfrontend", "-O"])] : [])
}

let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),  // every unsafe use is written `unsafe`
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),  // imports are honest ...
    .enableUpcomingFeature("InternalImportsByDefault"),  // ... and do not leak
]

/// A library of the house: sources in Sources/<name>, tests in Tests/<name>Tests, the same settings for both.
func library(
    _ name: String, _ dependencies: [Target.Dependency], tests: [Target.Dependency] = [], exclude: [String] = []
) -> [Target] {
    [
        .target(name: name, dependencies: dependencies, swiftSettings: settings(name)),
        .testTarget(
            name: "\(name)Tests", dependencies: [.target(name: name), "TestKit"] + dependencies + tests,
            exclude: exclude,
            swiftSettings: settings("\(name)Tests")),
    ]
}

let package = Package(
    name: "etl-express",
    products: [
        .executable(name: "etlx", targets: ["etlx"]),
        .library(name: "CKernels", targets: ["CKernels"]),  // for benchmarks/
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    ],
    targets: [
        // C: ours (arrays and bytes only), then system libraries, one Swift target each.
        .target(name: "CKernels"),
        .systemLibrary(name: "CSystem"),
        .systemLibrary(name: "CNNG", providers: [.apt(["libnng-dev"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        // L4
        .executableTarget(
            name: "etlx",
            dependencies: [
                "Model", "Columnar", "ModuleStore", "Metadata", "Cluster", "Formats", "Transform", "KernelCheck",
                "Scheduling", "Telemetry", "Coordinator", "Worker",
                "CSystem",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: house),
        // L2, tested in CKernelsTests: a forced level holds for the whole process, so one suite does all the forcing.
        .target(name: "KernelCheck", dependencies: ["Model", "CKernels"], swiftSettings: settings("KernelCheck")),
        .target(name: "TestKit", swiftSettings: house),
        .testTarget(name: "TidyTests", dependencies: [], swiftSettings: house),
        .testTarget(
            name: "CKernelsTests", dependencies: ["CKernels", "CCrypto", "KernelCheck", "TestKit"],
            exclude: ["elsewhere"], swiftSettings: house),
    ]
        // L0
        + library("Model", [])
        // L1
        + library("Secrets", [])
        + library("Columnar", ["Model", "CKernels"])
        + library("Document", ["Model", "Yams", "CSystem"])
        + library("Postgres", ["Model", "CPostgres"])
        + library("Extract", ["Model", "CPostgres", "CSystem", "Postgres", "S3"])
        + library("ModuleStore", ["Model", "Postgres", "S3", "Secrets", "CCrypto"])
        + library("S3", ["Model", "Secrets", "CCurl", "CCrypto"])
        + library("Cluster", ["Model", "CNNG", "CCrypto"])
        + library("Telemetry", ["Model"], exclude: ["metrics_check.py"])
        + library(
            "Metadata", ["Model", "Postgres", .product(name: "GRDB", package: "GRDB.swift")], tests: ["ModuleStore"])
        // L2
        + library(
            "Formats", ["Model", "Columnar", "CKernels", "CLZ4", "CZstd", "CZlib"], tests: ["Extract"],
            exclude: ["Parquet/parquet_check.py", "Export/export_check.py"])
        + library("Transform", ["Model", "Columnar", "Secrets", "CKernels", "CCrypto", "CSystem"])
        + library("Scheduling", ["Model", "Cluster"])
        // L3
        + library("Coordinator", ["Model", "Cluster", "Scheduling", "Metadata", "ModuleStore"])
        + library(
            "Worker",
            [
                "Model", "Cluster", "Columnar", "Document", "Extract", "Formats", "Transform", "KernelCheck",
                "ModuleStore", "Postgres",
            ])
)

// One room's tests without the others': `ops/test room NAME`.
if let room = Context.environment["ETL_ROOM"] {
    package.targets.removeAll { $0.type == .test && $0.name != "\(room)Tests" }
}

// Readers for libFuzzer, which brings its own `main`: Tests/Fuzz/run.
if Context.environment["ETL_FUZZ"] != nil {
    package.targets.append(
        .target(
            name: "FuzzedReaders", dependencies: ["Model", "Columnar", "Formats", "Cluster", "Document"],
            path: "Tests/Fuzz/Swift", swiftSettings: house))
}
