using PyResolve.Cli.Base;
using PyResolve.Client;

namespace PyResolve.Cli.Migrations;

/// <summary>The program that rewrites the code, with its arguments.</summary>
internal sealed class Migrator
{
    private const string PathPlaceholder = "{path}";

    private readonly string _description;

    private Migrator(IReadOnlyList<string> words, string description, bool usesPath) =>
        (Words, _description, UsesPath) = (words, description, usesPath);

    /// <summary>The program and its arguments.</summary>
    public IReadOnlyList<string> Words { get; }

    /// <summary>Whether the command says where the code is. Otherwise the program looks in the current folder, or knows.</summary>
    public bool UsesPath { get; }

    /// <summary>Replaces <c>{path}</c>, <c>{library}</c>, <c>{target}</c> after splitting: no value becomes several words.</summary>
    /// <param name="command">As it was configured.</param>
    /// <param name="origin">Where, for messages.</param>
    /// <param name="path">What the program is to work on.</param>
    public static Migrator Create(string command, string origin, string path, UpgradeRequest request)
    {
        if (BuiltinMigrator.IsNamed(command))
            return new Migrator(BuiltinMigrator.GetWords(command, origin, path, request), command, usesPath: true);

        IReadOnlyList<string> words;
        try
        {
            words = CommandWords.Split(command);
        }
        catch (FormatException e)
        {
            throw CliException.Usage($"The migrator's command cannot be read: {e.Message}.", $"Fix it in {origin}: {command}");
        }
        if (words is [] or ["", ..])
            throw CliException.Usage("The migrator's command is empty.", $"Write one in {origin}, as: mytool --rewrite {{path}}");

        string[] filled = [ProgramPath(words[0]), .. words.Skip(1).Select(word => Fill(word, path, request))];
        return new Migrator(
            filled, CommandWords.Join(filled), words.Skip(1).Any(static word => word.Contains(PathPlaceholder, StringComparison.Ordinal)));
    }

    /// <summary>The one of <c>--migrator</c>, then of the config file, then the built-in one.</summary>
    /// <param name="path">What it is to work on.</param>
    /// <returns><see langword="null"/> when there is none for the library.</returns>
    public static Migrator? Find(UpgradeRequest request, ApiKeyStore keys, string path)
    {
        if (request.Migrator is { } command)
            return Create(command, "--migrator", path, request);
        var name = PackageName.Normalize(request.Library);
        var saved = keys.ReadSettings("migrators").FirstOrDefault(migrator => PackageName.Normalize(migrator.Key) == name).Value
            ?? BuiltinMigrator.FindDefault(name);
        return saved is null ? null : Create(saved, $"[migrators] in {keys.ConfigPath}", path, request);
    }

    public override string ToString() => _description;

    public static CliException CannotStart(string cause) =>
        new(ExitCodes.Failure, $"The migrator could not be started: {cause}.", "Install it, or give its full path.");

    private static string ProgramPath(string program) => OperatingSystem.IsWindows() || program.Contains('/', StringComparison.Ordinal)
        ? program
        : ExecutableFile.Find(program, Environment.GetEnvironmentVariable("PATH"))
            ?? throw CannotStart($"there is no program {program} on the PATH");

    private static string Fill(string word, string path, UpgradeRequest request) => CommandWords.Fill(
        word, [(PathPlaceholder, path), ("{library}", request.Library), ("{target}", request.Target)]);
}
