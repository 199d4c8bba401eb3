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

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
