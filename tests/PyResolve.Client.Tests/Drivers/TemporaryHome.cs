namespace PyResolve.Client.Tests.Drivers;

/// <summary>A folder for one test's config file.</summary>
public sealed class TemporaryHome : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("pyresolve-client-").FullName;

    /// <summary>Not there yet: saving creates it.</summary>
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

    /// <summary>Files with usage events that wait.</summary>
    public IReadOnlyList<string> OutboxFiles() => Files("*.events");

    /// <summary>Usage events that were rejected.</summary>
    public IReadOnlyList<string> RejectedFiles() => Files("*.json");

    /// <summary>Files with usage events that were damaged.</summary>
    public IReadOnlyList<string> DamagedFiles() => Files("*.damaged");

    private string[] Files(string pattern)
    {
        var outbox = System.IO.Path.Combine(Path, "outbox");
        return Directory.Exists(outbox) ? Directory.GetFiles(outbox, pattern, SearchOption.AllDirectories) : [];
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
