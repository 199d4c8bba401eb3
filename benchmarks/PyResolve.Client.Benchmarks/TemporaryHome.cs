namespace PyResolve.Client.Benchmarks;

/// <summary>
/// A temporary home folder. BenchmarkDotNet derives from its classes and calls their clean-up, so nothing here is disposable.
/// </summary>
internal sealed class TemporaryHome
{
    private const string Key = "pyr_live_0123456789abcdef0123456789abcdef0123456789abcdef";

    public string Path { get; } = Directory.CreateTempSubdirectory("pyresolve-benchmark-").FullName;

    public PyResolveClient Client(HttpMessageHandler server, Action<PyResolveClientOptions> configure)
    {
        var options = new PyResolveClientOptions { ApiUrl = new("http://localhost:9"), ApiKey = Key, Home = Path };
        configure(options);
        return new(new HttpClient(server) { Timeout = Timeout.InfiniteTimeSpan }, options);
    }

    public void Delete() => Directory.Delete(Path, recursive: true);
}
