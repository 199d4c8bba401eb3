using PyResolve.Cli.Migrations;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Migrations;

/// <summary>The migrators that the operator configured, and the bounds of a run.</summary>
internal sealed class MigrationOptions
{
    private const string Section = "PyResolve:Migrate";
    private const string Migrators = "PyResolve:Migrators";

    private readonly Dictionary<(string Library, string Tier), IReadOnlyList<string>> _commands = [];

    public MigrationOptions(IConfiguration configuration, IHostEnvironment environment, ServerOptions server)
    {
        TimeLimit = TimeSpan.FromSeconds(ServerOptions.Number(configuration, $"{Section}:Seconds", 300, 1, 3_600));
        MemoryMegabytes = ServerOptions.Number(configuration, $"{Section}:MemoryMegabytes", 1_024, 64, 1_048_576);
        OutputBytes = 1_024 * ServerOptions.Number(configuration, $"{Section}:OutputKilobytes", 1_024, 1, 65_536);
        Processes = ServerOptions.Number(configuration, $"{Section}:Processes", 128, 8, 10_000);
        DiskMegabytes = ServerOptions.Number(configuration, $"{Section}:DiskMegabytes", 256, 16, 65_536);
        Concurrent = ServerOptions.Number(configuration, $"{Section}:Concurrent", Environment.ProcessorCount, 1, 1_000);
        ConcurrentPerAccount = ServerOptions.Number(configuration, $"{Section}:ConcurrentPerAccount", 2, 1, 1_000);
        FirstUserId = ServerOptions.Number(configuration, $"{Section}:FirstUserId", 64_000, 1, int.MaxValue - 1_000);
        UsesBubblewrap = ServerOptions.Flag(configuration, $"{Section}:Bubblewrap", fallback: true);
        Folder = Path.GetFullPath(ServerOptions.Text(configuration, $"{Section}:Folder")
            ?? Path.Combine(Path.GetTempPath(), "pyresolve-migrations"));
        Wrapper = ReadWords(ServerOptions.Text(configuration, $"{Section}:Wrapper"), $"{Section}:Wrapper");
        Variables = [.. configuration.GetSection($"{Section}:Environment").GetChildren()
            .Where(variable => variable.Value is not null)
            .Select(variable => (variable.Key, variable.Value!))];
        HiddenFolders = [server.DataFolder];
        foreach (var library in configuration.GetSection(Migrators).GetChildren())
            Add(library);
        if (environment.IsDevelopment() && OperatingSystem.IsLinux())
            _commands.TryAdd(("pydantic", "tier1"), [BuiltinMigrator.Name]);
    }

    public TimeSpan TimeLimit { get; }

    /// <summary>The memory of all processes of a run together.</summary>
    public int MemoryMegabytes { get; }

    /// <summary>The most bytes that a run may print.</summary>
    public int OutputBytes { get; }

    public int Processes { get; }

    /// <summary>The most megabytes that the folder of a run may hold.</summary>
    public int DiskMegabytes { get; }

    /// <summary>The most runs at a time in this process.</summary>
    public int Concurrent { get; }

    public int ConcurrentPerAccount { get; }

    /// <summary>The first user id of runs: a server that runs as root gives each run one of its own.</summary>
    public int FirstUserId { get; }

    public bool UsesBubblewrap { get; }

    /// <summary>The folder with the private folders of runs.</summary>
    public string Folder { get; }

    /// <summary>A command that the migrator's is appended to, such as another sandbox.</summary>
    public IReadOnlyList<string> Wrapper { get; }

    /// <summary>The variables in a migrator's environment, such as the key of its own LLM.</summary>
    public IReadOnlyList<(string Name, string Value)> Variables { get; }

    /// <summary>The folders that a sandbox hides.</summary>
    public IReadOnlyList<string> HiddenFolders { get; }

    public bool HasMigrators => _commands.Count > 0;

    public bool Knows(string library) => _commands.Keys.Any(key => key.Library == PackageName.Normalize(library));

    /// <returns>The words of its command; null: none is configured.</returns>
    public IReadOnlyList<string>? Find(string library, string tier) => _commands.GetValueOrDefault((PackageName.Normalize(library), tier));

    private void Add(IConfigurationSection library)
    {
        foreach (var tier in library.GetChildren())
        {
            var name = $"{Migrators}:{library.Key}:{tier.Key}";
            if (tier.Key.ToLowerInvariant() is not ("tier1" or "tier2" or "tier3"))
                throw new InvalidConfigurationException($"{name} names no tier. It ends in tier1, tier2 or tier3.");
            if (ReadWords(tier.Value, name) is not { Count: > 0 } words)
                continue;
            if (!OperatingSystem.IsLinux())
                throw new InvalidConfigurationException($"{name} is set, and POST /migrate runs migrators on Linux only. Leave it out.");
            if (words[0].StartsWith("builtin:", StringComparison.Ordinal) && words is not [BuiltinMigrator.Name])
                throw new InvalidConfigurationException($"{name} names a migrator that is not built in. There is: {BuiltinMigrator.Name}");
            _commands[(PackageName.Normalize(library.Key), tier.Key.ToLowerInvariant())] = words;
        }
    }

    private static IReadOnlyList<string> ReadWords(string? command, string name)
    {
        try
        {
            return command is null ? [] : CommandWords.Split(command);
        }
        catch (FormatException exception)
        {
            throw new InvalidConfigurationException($"The command in {name} cannot be read: {exception.Message}.");
        }
    }
}
