using BenchmarkDotNet.Attributes;

namespace PyResolve.Client.Benchmarks;

/// <summary>Reads a key from a configuration file with two profiles and some comments.</summary>
public class KeyStoreBenchmark
{
    private const string Config = """
        # Written by hand, then by 'pyresolve login'.
        profile = "work"

        [profiles.home]
        api_key = "pyr_live_0123456789abcdef0123456789abcdef0123456789abcdef"

        [profiles.work]
        api_key = "pyr_live_fedcba9876543210fedcba9876543210fedcba9876543210"    # until March
        api_url = "https://billing.example"

        [migrators]
        pydantic = "migrate-pydantic --in-place {path}"

        """;

    private readonly TemporaryHome _home = new();
    private ApiKeyStore _store = null!;

    [GlobalSetup]
    public void Setup()
    {
        Environment.SetEnvironmentVariable("PYRESOLVE_API_KEY", null);
        Environment.SetEnvironmentVariable("PYRESOLVE_PROFILE", null);
        Directory.CreateDirectory(_home.Path);
        File.WriteAllText(Path.Combine(_home.Path, "config.toml"), Config);
        _store = new(_home.Path);
    }

    [Benchmark(Description = "`ApiKeyStore` read")]
    public ApiKeyCredential Find() => _store.FindApiKey() ?? throw new InvalidOperationException("The file has a key.");

    [GlobalCleanup]
    public void Cleanup() => _home.Delete();
}
