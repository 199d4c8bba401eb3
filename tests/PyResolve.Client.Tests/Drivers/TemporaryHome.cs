namespace PyResolve.Client.Tests.Drivers;

/// <summary>A home folder for one test.</summary>
public sealed class TemporaryHome : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("pyresolve-client-").FullName;

    /// <summary>It does not exist until something is saved.</summary>
    public string Path => System.IO.Path.Combine(_root, "home");

    public string ConfigPath => System.IO.Path.Combine(Path, "config.toml");

    public ApiKeyStore Store => new(Path);

    public string Config
    {
        get => File.ReadAllText(ConfigPath);
        set
        {
            Directory.CreateDirectory(Path);
            File.WriteAllText(ConfigPath, value);
        }
    }

    /// <summary>Files with waiting usage events.</summary>
    public IReadOnlyList<string> OutboxFiles() => Files("*.events");

    /// <summary>Files with rejected usage events.</summary>
    public IReadOnlyList<string> RejectedFiles() => Files("*.json");

    /// <summary>Files that were damaged.</summary>
    public IReadOnlyList<string> DamagedFiles() => Files("*.damaged");

    private string[] Files(string pattern)
    {
        var outbox = System.IO.Path.Combine(Path, "outbox");
        return Directory.Exists(outbox) ? Directory.GetFiles(outbox, pattern, SearchOption.AllDirectories) : [];
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
