namespace PyResolve.Testing.Tests.Drivers;

/// <summary>Migrators that do the same on the real server, as lines of a shell, and on the fake.</summary>
internal static class TestMigrators
{
    private const string Added = "b = 2\n";

    private static readonly (string Library, string Script)[] Scripts =
    [
        ("append", "printf \"b = 2\\\\n\" >> \"$1/a.py\""),
        ("nothing", "cat \"$1/a.py\""),
        ("failing", "echo \"no such version\"; rm \"$1/a.py\"; exit 3"),
        ("slow", "exec sleep 60"),
        ("telling", """
            exec 3> "$PYRESOLVE_MIGRATOR_CHANNEL"
            echo "{\"type\":\"tokens\",\"used\":1200}" >&3
            echo "b = 2" > "$1/new.py"; rm "$1/a.py"
            """),
    ];

    public static IEnumerable<KeyValuePair<string, string?>> Settings =>
    [
        new("PyResolve:Migrate:Concurrent", "100"),
        .. Scripts.Select(static migrator => KeyValuePair.Create(
            $"PyResolve:Migrators:{migrator.Library}:tier1", (string?)$"sh -c '{migrator.Script}' sh {{path}}")),
    ];

    public static FakeMigration? Run(MigrateRequest request) => request.Library switch
    {
        "append" => new() { Files = Changed(("a.py", request.Files!["a.py"] + Added)) },
        "nothing" => new() { Log = request.Files!["a.py"] },
        "failing" => new() { Log = "no such version\n", Failure = "it ended with the code 3" },
        "slow" => new() { Duration = TimeSpan.FromMinutes(1) },
        "telling" => new() { Files = Changed(("a.py", null), ("new.py", Added)), TokensUsed = 1_200 },
        _ => null,
    };

    private static Dictionary<string, string?> Changed(params (string Path, string? Content)[] files) =>
        files.ToDictionary(static file => file.Path, static file => file.Content);
}
