using System.Collections;

namespace Tour;

/// <summary>The temporary folder of the tour, and an environment without the user's own settings.</summary>
internal sealed class Workspace : IDisposable
{
    private static readonly string[] Settings =
    [
        "AllowedHosts", "ASPNETCORE_", "DATABASE_URL", "DOTNET_ENVIRONMENT", "HTTP_PORTS", "Kestrel__", "Logging__", "PORT", "PYRESOLVE_",
        "PyResolve__", "STRIPE_", "SUPABASE_", "URLS",
    ];

    private Workspace(string folder) => Folder = folder;

    public string Folder { get; }

    public string Home => Path.Combine(Folder, "home");

    public string Data => Path.Combine(Folder, "data");

    /// <returns><see langword="null"/>, and a line on standard error, if there is no temporary folder.</returns>
    public static Workspace? TryCreate()
    {
        try
        {
            var workspace = new Workspace(Directory.CreateTempSubdirectory("pyresolve-tour-").FullName);
            Copy(Path.Combine(AppContext.BaseDirectory, "shop"), Path.Combine(workspace.Folder, "shop"));
            Directory.CreateDirectory(workspace.Data);
            return workspace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"✗ The tour needs a temporary folder, and found none: {e.Message}");
            return null;
        }
    }

    /// <summary>
    /// Removes the variables that configure a server or a client; the processes that the tour starts inherit this environment.
    /// </summary>
    public static void ClearSettings()
    {
        foreach (var name in Environment.GetEnvironmentVariables().Keys.Cast<string>().Where(IsSetting).ToList())
            Environment.SetEnvironmentVariable(name, value: null);
        // The server is on this machine: no proxy.
        Environment.SetEnvironmentVariable("NO_PROXY", "127.0.0.1,localhost");
    }

    public string[] Lines(string path) => File.ReadAllLines(Path.Combine(Folder, path));

    /// <summary>Adds the migrator for pydantic to the configuration of the command line.</summary>
    public void ConfigureMigrator(string dotnet, string program) =>
        File.AppendAllText(
            Path.Combine(Home, "config.toml"), $"\n[migrators]\npydantic = {Quote($"{Quote(dotnet)} {Quote(program)} {{path}}")}\n");

    public void Dispose()
    {
        try
        {
            Directory.Delete(Folder, recursive: true);
        }
        catch (IOException e)
        {
            Console.Error.WriteLine($"{Folder} could not be removed: {e.Message}");
        }
    }

    /// <summary>In double quotes, for TOML and for command lines alike.</summary>
    private static string Quote(string text) =>
        $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    private static bool IsSetting(string name) => Array.Exists(
        Settings, s =>
            s.EndsWith('_') ? name.StartsWith(s, StringComparison.OrdinalIgnoreCase) : name.Equals(s, StringComparison.OrdinalIgnoreCase));

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (var folder in Directory.EnumerateDirectories(from))
            Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
    }
}
