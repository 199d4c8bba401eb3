using PyResolve.Cli.Migrations;
using PyResolve.Client;

namespace PyResolve.Gate.Migrators;

/// <summary>The program that rewrites the code, with its arguments.</summary>
internal sealed class MigratorCommand
{
    /// <summary>The migrator inside this program, and the argument that makes this program that migrator.</summary>
    public const string Builtin = "builtin:pydantic";

    private const string Example = "mytool --rewrite {path}";

    private MigratorCommand(IReadOnlyList<string> words, string path, bool usesTier) => (Words, Path, UsesTier) = (words, path, usesTier);

    public IReadOnlyList<string> Words { get; }

    /// <summary>The folder, or file, that it works on.</summary>
    public string Path { get; }

    /// <summary>Whether the command says which tier to use.</summary>
    public bool UsesTier { get; }

    /// <summary>The item's or the project's own, then the user's configuration, then what is built in.</summary>
    /// <exception cref="FormatException">There is none, or it cannot be used. The message says why.</exception>
    public static MigratorCommand Find(GateRequest request, GateMigration migration, ApiKeyStore keys)
    {
        var path = System.IO.Path.GetFullPath(System.IO.Path.Combine(request.ProjectFolder, migration.Path));
        if (!Directory.Exists(path) && !File.Exists(path))
            throw new FormatException($"PyResolveMigration '{migration.Library}' has Path '{migration.Path}', where there is nothing.");
        var command = migration.Migrator.Length > 0 ? migration.Migrator : FindConfigured(migration, keys);
        if (command == Builtin || (command is null && migration.NormalizedLibrary == "pydantic"))
            return CreateBuiltin(migration, path);
        if (command is null)
            throw new FormatException($"There is no migrator for {migration.Library}. Set PyResolveMigrator, as in \"{Example}\".");

        IReadOnlyList<string> words;
        try
        {
            words = CommandWords.Split(command);
        }
        catch (FormatException e)
        {
            throw new FormatException($"The migrator of {migration.Library} cannot be read: {e.Message}.", e);
        }
        if (words is [] or ["", ..])
            throw new FormatException($"The migrator of {migration.Library} is empty. Write one, as in \"{Example}\".");
        var usesTier = words.Any(static word => word.Contains("{tier}", StringComparison.Ordinal));
        return new MigratorCommand([FindProgram(words[0]), .. words.Skip(1).Select(word => Fill(word, path, migration))], path, usesTier);
    }

    public override string ToString() => CommandWords.Join(Words);

    private static string? FindConfigured(GateMigration migration, ApiKeyStore keys) => keys.ReadSettings("migrators")
        .FirstOrDefault(migrator => PackageName.Normalize(migrator.Key) == migration.NormalizedLibrary).Value;

    private static MigratorCommand CreateBuiltin(GateMigration migration, string path)
    {
        if (migration.NormalizedLibrary != "pydantic" || migration.Target.Split('.')[0] != "2")
        {
            throw new FormatException(
                $"{Builtin} upgrades pydantic 1 to 2, not {migration.Library} to {migration.Target}. Set PyResolveMigrator.");
        }
        if (migration.ParsedTier != MigrationTier.Tier1)
        {
            throw new FormatException(
                $"{Builtin} is deterministic, and does not use what {migration.Tier} pays for. Use tier1, or set PyResolveMigrator.");
        }
        return new MigratorCommand([.. FindThisProgram(), Builtin, path], path, usesTier: true);
    }

    private static string[] FindThisProgram()
    {
        var program = Environment.ProcessPath ?? throw new FormatException("The path of the gate's worker is not known.");
        var name = typeof(MigratorCommand).Assembly.GetName().Name;
        var isNative = System.IO.Path.GetFileName(program) is var file && (file == name || file == $"{name}.exe");
        return isNative ? [program] : [program, System.IO.Path.Combine(AppContext.BaseDirectory, $"{name}.dll")];
    }

    private static string FindProgram(string program) => OperatingSystem.IsWindows() || program.Contains('/', StringComparison.Ordinal)
        ? program
        : ExecutableFile.Find(program, Environment.GetEnvironmentVariable("PATH"))
            ?? throw new FormatException($"There is no program {program} on the PATH, which the migrator needs.");

    private static string Fill(string word, string path, GateMigration migration) => CommandWords.Fill(
        word, [("{path}", path), ("{library}", migration.Library), ("{target}", migration.Target), ("{tier}", migration.Tier)]);
}
