using System.Text.Json;

namespace PyResolve.Server.Tests.Supabase;

/// <summary>A Supabase project whose database the billing guide made, word for word, and a folder for its dump.</summary>
internal sealed class GuideProject : IAsyncDisposable
{
    private readonly SupabaseProject _project;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pyresolve-import-");

    private GuideProject(SupabaseProject project) => _project = project;

    public static string Guide { get; } = Path.Combine(AppContext.BaseDirectory, "Supabase", "Guide");

    public TestStore Store => _project.Store;

    /// <summary>Started by <see cref="ServeAsync"/>.</summary>
    public TestServer Server => _project.Server;

    public string DumpFile => Path.Combine(_folder.FullName, "before-import.dump");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <param name="isHosted">Whether the project's role is no superuser, as at Supabase.</param>
    public static async Task<GuideProject> StartAsync(bool isHosted = false)
    {
        var project = new GuideProject(await SupabaseProject.CreateAsync(isHosted, Cancellation));
        // Supabase's own setting: the guide names the functions of pgcrypto without their schema.
        await project.Store.ExecuteSqlAsync(
            "do $$ begin execute format('alter database %I set search_path = \"$user\", public, extensions', current_database()); end $$");
        var made = await project.RunSqlFileAsync(Path.Combine(Guide, "schema.sql"));
        made.Error.ShouldContain("functions in index expression must be marked IMMUTABLE");
        return project;
    }

    public async Task<Guid> SignUpAsync(string email)
    {
        await _project.SignUpAsync(email);
        return (Guid)(await Store.ReadSqlAsync($"select id from auth.users where email = '{email}'"))!;
    }

    /// <summary>As a page does, through the guide's function.</summary>
    public async Task<string> CreateKeyAsync(Guid user) =>
        await _project.AsAsync("authenticated", user, "select api_key from create_api_key()");

    public Task<string> AsAsync(string role, Guid? user, string sql) => _project.AsAsync(role, user, sql);

    /// <summary>Events at these times, each a migration of the tier in turn with ten tokens, and a scan beside each.</summary>
    public Task AddUsageAsync(Guid user, params string[] times) => Store.ExecuteSqlAsync(
        $"""
        insert into usage_events (user_id, event_type, library, tier, files_changed, tokens_used, created_at)
        select '{user}', e.type, 'pydantic', case when e.type = 'migration' then 'tier' || (1 + t.place % 3) end, 2, 10, t.at::timestamptz
        from unnest(array['{string.Join("', '", times)}']) with ordinality as t (at, place), (values ('migration'), ('scan')) as e (type)
        """);

    /// <summary>Makes the dump with the command that a dry run prints, and imports.</summary>
    public async Task<JsonElement> ImportAsync()
    {
        await MakeDumpAsync();
        return Parse((await RunAsync("--dump", DumpFile, "--json")).OrThrow("The import"));
    }

    public async Task MakeDumpAsync()
    {
        var plan = Parse((await RunAsync("--dry-run", "--dump", DumpFile, "--json")).OrThrow("The dry run"));
        foreach (var command in plan.GetProperty("make_dump").EnumerateArray())
            (await RunShellAsync(command.GetString()!)).OrThrow("The dump");
    }

    /// <summary>Of the commands, beside the database.</summary>
    public Dictionary<string, string?> Settings { get; } = [];

    public Task<CommandResult> RunAsync(params string[] arguments) => ServerProcess.RunAsync(
        ["import", "supabase", .. arguments], new Dictionary<string, string?>([.. Store.Settings, .. Settings]), Cancellation);

    public static JsonElement Parse(CommandResult ended) => JsonDocument.Parse(ended.Output).RootElement;

    /// <summary>A command as the import prints it, or as a page has it, in a shell in the dump's folder.</summary>
    /// <param name="command">Finds this database, and the server's program.</param>
    /// <param name="environment">On top of that.</param>
    public async Task<CommandResult> RunShellAsync(string command, IReadOnlyDictionary<string, string?>? environment = null)
    {
        // Pages have the program's name of the archive, and a build prints its own.
        foreach (var name in new[] { "pyresolve-server", "PyResolve.Server" })
        {
            var program = Path.Combine(_folder.FullName, name);
            await File.WriteAllTextAsync(
                program, $"#!/bin/sh\nexec '{ServerProcess.Muxer()}' '{ServerProcess.Assembly}' \"$@\"\n", Cancellation);
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        var all = new Dictionary<string, string?>
        {
            ["DATABASE_URL"] = Store.Settings["DATABASE_URL"],
            ["PATH"] = $"{_folder.FullName}:{Environment.GetEnvironmentVariable("PATH")}",
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
            all[name] = value;
        return await Command.RunAsync(
            "/bin/sh", ["-euc", command], all, workingDirectory: _folder.FullName, cancellationToken: Cancellation);
    }

    /// <summary>Everything in the database, as text.</summary>
    public async Task<string> DumpAsync()
    {
        var dump = await Command.RunAsync("pg_dump", [Store.Settings["DATABASE_URL"]!], cancellationToken: Cancellation);
        var lines = dump.OrThrow("pg_dump").Output.Split('\n');
        // A new word each time.
        return string.Join('\n', lines.Where(static line => !line.Contains("restrict ", StringComparison.Ordinal)));
    }

    /// <summary>Months whose sums are not what the project's events add up to.</summary>
    public Task<long> CountWrongMonthsAsync() => Store.ReadNumberAsync(
        """
        select count(*)
        from (
            select user_id, to_char(created_at at time zone 'UTC', 'YYYY-MM') as month,
                   count(*) filter (where event_type = 'migration') as migrations,
                   count(*) filter (where event_type = 'migration' and tier = 'tier1') as tier1_migrations,
                   count(*) filter (where event_type = 'migration' and tier in ('tier2', 'tier3')) as llm_migrations,
                   sum(tokens_used) as total_tokens, sum(files_changed) as total_files_changed
            from before_pyresolve.usage_events
            group by 1, 2) counted
        full join usage_monthly stored using (user_id, month)
        where (counted.migrations, counted.tier1_migrations, counted.llm_migrations, counted.total_tokens, counted.total_files_changed)
              is distinct from
              (stored.migrations, stored.tier1_migrations, stored.llm_migrations, stored.total_tokens, stored.total_files_changed)
        """);

    public Task ServeAsync(IReadOnlyDictionary<string, string?>? settings = null) => _project.ServeAsync(settings);

    public Task<TestStore> CreateDatabaseAsync() => _project.CreateDatabaseAsync();

    public async ValueTask DisposeAsync()
    {
        await _project.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private Task<CommandResult> RunSqlFileAsync(string file) => Command.RunAsync(
        "psql", ["--no-psqlrc", "--quiet", $"--file={file}", Store.Settings["DATABASE_URL"]!], cancellationToken: Cancellation);
}
