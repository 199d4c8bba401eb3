using System.Text.Json;
using PyResolve.Server.Commands;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Tests.Commands;

/// <summary><c>init</c>: from nothing to a server with an operator.</summary>
public sealed class InitCommandTests(SharedServers servers) : IDisposable
{
    private const string Email = "ada@example.com";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pyresolve-init-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string File => Path.Combine(_folder.FullName, "pyresolve.env");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory, OnBothEngines]
    public async Task The_file_that_init_writes_is_all_that_a_server_needs_and_the_link_lets_its_operator_in_once(StorageEngine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);

        var made = (await InitAsync(store.Settings, "--operator", "Ada@Example.com", "--json")).OrThrow("init");

        var answer = JsonDocument.Parse(made.Output).RootElement;
        answer.GetProperty("file").GetString().ShouldBe(File);
        var lifetime = answer.GetProperty("expires_at").GetDateTimeOffset() - TimeProvider.System.GetUtcNow();
        lifetime.ShouldBeInRange(TimeSpan.FromHours(23), TimeSpan.FromHours(24));
        await using var server = await ServerProcess.StartAsync(FromFile(File), Cancellation);
        var anonymous = new Caller(server.Http);
        var reset = new { token = answer.GetProperty("url").GetString()!.Split("token=")[1], password = TestAccount.Password };
        (await anonymous.PostAsync("/auth/password/reset", reset)).Status.ShouldBe(204);
        (await anonymous.PostAsync("/auth/password/reset", reset)).Status.ShouldBe(422);
        var login = await anonymous.PostAsync("/auth/login", new { email = Email, password = TestAccount.Password });
        login.Status.ShouldBe(200, login.Text);
        var operators = (await server.RunAsync(["operator", "list"], Cancellation)).OrThrow("operator list");
        operators.Output.ShouldMatch($@"{Email}\s+admin");
        (await store.ReadNumberAsync("select count(*) from profiles where email_verified_at is not null")).ShouldBe(1);
    }

    [Fact]
    public async Task The_settings_of_the_file_are_shown_with_their_source_and_the_environment_wins()
    {
        (await InitAsync([], "--operator", Email, "--listen", "http://127.0.0.1:8123")).OrThrow("init");
        var environment = new Dictionary<string, string?> { ["PYRESOLVE_PUBLIC_URL"] = "https://billing.example.com" };

        var shown = (await ServerProcess.RunAsync(["config", "--env-file", File], environment, Cancellation)).OrThrow("config");

        var lines = shown.Output.Split('\n').Select(static line => string.Join('|', line.Split("  ", StringSplitOptions.TrimEntries
            | StringSplitOptions.RemoveEmptyEntries))).ToList();
        lines.ShouldContain(line => line.StartsWith($"PYRESOLVE_DATA|{Path.Combine(_folder.FullName, "data")}|{File} PYRESOLVE_DATA|"));
        lines.ShouldContain(line => line.StartsWith("PYRESOLVE_PUBLIC_URL|https://billing.example.com|environment PYRESOLVE_PUBLIC_URL|"));
        lines.ShouldContain(line => line.StartsWith("PYRESOLVE_ENCRYPTION_KEY|(set, not shown)|"));
        lines.ShouldContain(line => line.StartsWith("PYRESOLVE_LEASE_KEY|(set, not shown)|"));
        shown.Output.ShouldContain("http://127.0.0.1:8123");
    }

    [Theory]
    [InlineData("000")]
    [InlineData("022")]
    [InlineData("077")]
    public async Task Only_its_owner_reads_the_file_whatever_the_umask(string umask)
    {
        string[] command = [ServerProcess.Muxer(), ServerProcess.Assembly, "init", "--env-file", File, "--operator", Email];

        (await Command.RunAsync(
            "/bin/sh", ["-c", "umask $0; exec \"$@\"", umask, .. command], Clean(), cancellationToken: Cancellation)).OrThrow("init");

        if (!OperatingSystem.IsWindows())
            System.IO.File.GetUnixFileMode(File).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _folder.EnumerateFiles().Select(static file => file.Name).ShouldBe(["pyresolve.env"]);
    }

    [Fact]
    public async Task A_folder_that_is_missing_is_named_before_anything_is_asked_or_made()
    {
        var missing = Path.Combine(_folder.FullName, "missing");

        var refused = await ServerProcess.RunAsync(
            ["init", "--env-file", Path.Combine(missing, "pyresolve.env"), "--operator", Email], Clean(), Cancellation);

        refused.ExitCode.ShouldBe(2);
        refused.Error.Trim().ShouldBe(
            $"There is no folder {missing}, and nothing was changed. Make it, or name another file with --env-file.");
        _folder.EnumerateFileSystemInfos().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_second_time_changes_nothing_and_says_how_the_server_is_started()
    {
        var first = (await InitAsync([], "--operator", Email)).OrThrow("init");
        var text = await System.IO.File.ReadAllTextAsync(File, Cancellation);

        var second = await InitAsync([], "--operator", "eve@example.com");

        second.ExitCode.ShouldBe(2);
        second.Error.ShouldContain($"{File} exists already, and nothing was changed.");
        second.Error.ShouldContain($"--env-file {File}");
        (await System.IO.File.ReadAllTextAsync(File, Cancellation)).ShouldBe(text);
        foreach (var secret in (string[])[EncryptionKeys.Setting, "PYRESOLVE_LEASE_KEY"])
            first.Output.ShouldNotContain(EnvironmentFile.Read(File)[secret]);
    }

    [Fact]
    public async Task The_line_that_starts_the_server_is_one_that_a_shell_understands_whatever_the_folder_is_called()
    {
        var folder = _folder.CreateSubdirectory("ada's files").FullName;
        var made = await ServerProcess.RunAsync(
            [
                "init", "--env-file", Path.Combine(folder, "pyresolve.env"), "--data", Path.Combine(_folder.FullName, "data"),
                "--operator", Email, "--json",
            ],
            Clean(), Cancellation);
        var line = JsonDocument.Parse(made.OrThrow("init").Output).RootElement.GetProperty("start").GetString();

        var shown = await Command.RunAsync("/bin/sh", ["-c", $"{line} config"], Clean(), cancellationToken: Cancellation);

        shown.OrThrow("config").Output.ShouldContain(Path.Combine(folder, "pyresolve.env"));
    }

    [Theory, OnBothEngines]
    public async Task A_database_with_accounts_is_left_alone(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await own.SignUpAsync("grace@example.com");

        var refused = await InitAsync(own.Store.Settings, "--operator", Email);

        refused.ExitCode.ShouldBe(1);
        refused.Error.ShouldContain("The database has accounts already, and init is for a new one.");
        (await own.Store.ReadNumberAsync("select count(*) from profiles")).ShouldBe(1);
        _folder.EnumerateFileSystemInfos().ShouldBeEmpty();
    }

    [Fact]
    public async Task An_attempt_that_came_as_far_as_the_account_is_repeated()
    {
        var data = Path.Combine(_folder.FullName, "data");
        (await InitAsync([], "--operator", Email)).OrThrow("init");
        System.IO.File.Delete(File);

        var again = (await InitAsync([], "--operator", Email, "--json")).OrThrow("init");

        again.Output.ShouldContain("/reset-password?token=");
        EnvironmentFile.Read(File)["PYRESOLVE_DATA"].ShouldBe(data);
    }

    [Theory]
    [InlineData("--operator is missing")]
    [InlineData("--operator ada is no email address", "--operator", "ada")]
    [InlineData("take one of them", "--operator", Email, "--data", "x", "--database", "postgres://localhost/x")]
    [InlineData("DATABASE_URL must look like", "--operator", Email, "--database", "mysql://localhost/x")]
    [InlineData("--listen: 8000 is not a listening address", "--operator", Email, "--listen", "8000")]
    [InlineData(
        "--listen: http://localhost:99999 is not a listening address", "--operator", Email, "--listen", "http://localhost:99999")]
    [InlineData(
        "--listen: http://*:x is not a listening address", "--operator", Email, "--listen", "http://localhost:8000;http://*:x", "--url",
        "https://billing.example.com")]
    [InlineData(
        "--listen: https://localhost:8443 is not http://. A proxy in front of the server takes https.", "--operator", Email, "--listen",
        "https://localhost:8443")]
    [InlineData("--url is missing", "--operator", Email, "--listen", "http://*:8000")]
    [InlineData("passwords are taken over https alone", "--operator", Email, "--url", "http://billing.example.com")]
    [InlineData("PYRESOLVE_PUBLIC_URL is 'billing'", "--operator", Email, "--url", "billing")]
    [InlineData("user name or password before its host", "--operator", Email, "--url", "https://a:b@example.com")]
    [InlineData("There is no switch or setting 'oprator'", "--oprator", Email)]
    public async Task Wrong_input_is_named_and_leaves_nothing_behind(string problem, params string[] switches)
    {
        var refused = await InitAsync([], switches);

        (refused.ExitCode, refused.Output).ShouldBe((2, ""));
        refused.Error.ShouldContain(problem);
        _folder.EnumerateFileSystemInfos().ShouldBeEmpty();
    }

    [Fact]
    public async Task Of_several_addresses_of_this_machine_people_see_the_first()
    {
        (await InitAsync([], "--operator", Email, "--listen", "http://localhost:8123/;http://127.0.0.1:8124")).OrThrow("init");

        EnvironmentFile.Read(File)["PYRESOLVE_PUBLIC_URL"].ShouldBe("http://localhost:8123");
        EnvironmentFile.Read(File)["ASPNETCORE_URLS"].ShouldBe("http://localhost:8123/;http://127.0.0.1:8124");
    }

    [Fact]
    public async Task Without_its_database_no_file_is_left()
    {
        var failed = await InitAsync(
            [], "--operator", Email, "--database", $"postgres://nobody:secret@127.0.0.1:{Loopback.FreePort()}/none?sslmode=disable");

        failed.ExitCode.ShouldBe(1);
        failed.Error.ShouldNotContain("secret");
        _folder.EnumerateFileSystemInfos().ShouldBeEmpty();
    }

    [Theory]
    [InlineData(null, "postgres://ann@db.example/bill", "http://localhost:8000", "The database is on another machine, db.example")]
    [InlineData(null, "postgres://ann@localhost/bill", "http://localhost:8000", null)]
    [InlineData(null, "postgres://ann@db.example/bill", "https://billing.example.com", null)]
    [InlineData("data", null, "http://localhost:8000", null)]
    public void A_link_to_this_machine_for_a_server_elsewhere_is_warned_about(string? data, string? database, string url, string? warning)
    {
        var server = new NewServer(
            File, database, data ?? "", NewServer.DefaultListen, url, PyResolve.Server.Access.EmailAddresses.Parse(Email)!);

        if (warning is null)
            server.FindWarning().ShouldBeNull();
        else
            server.FindWarning().ShouldNotBeNull().ShouldContain(warning);
    }

    [Fact]
    public async Task On_a_terminal_it_asks_for_what_is_missing()
    {
        var command = $"'{ServerProcess.Muxer()}' '{ServerProcess.Assembly}' init --env-file '{File}' --listen http://*:8000";

        var result = await Command.RunAsync(
            "script", ["--quiet", "--return", "--command", command, "/dev/null"], Clean(),
            input: "nobody\nada@example.com\nhttps://billing.example.com\n", cancellationToken: Cancellation);

        result.OrThrow("init").Output.Split("Email address of the first operator:").Length.ShouldBe(3);
        result.Output.ShouldContain("Address that people see");
        result.Output.ShouldContain("https://billing.example.com/reset-password?token=");
        EnvironmentFile.Read(File)["PYRESOLVE_PUBLIC_URL"].ShouldBe("https://billing.example.com");
    }

    private static Dictionary<string, string?> FromFile(string file) => new()
    {
        ["DATABASE_URL"] = null, ["PYRESOLVE_DATA"] = null, [EnvironmentFile.Setting] = file,
    };

    /// <summary>No store of the developer's own.</summary>
    private static Dictionary<string, string?> Clean() => new()
    {
        ["DATABASE_URL"] = null, ["PYRESOLVE_DATA"] = null, ["PYRESOLVE_PUBLIC_URL"] = null, [EnvironmentFile.Setting] = null,
        ["ASPNETCORE_URLS"] = null, ["PORT"] = null, ["PYRESOLVE_ENCRYPTION_KEY"] = null, ["PYRESOLVE_LEASE_KEY"] = null,
    };

    private Task<CommandResult> InitAsync(IReadOnlyDictionary<string, string?> environment, params string[] switches) =>
        ServerProcess.RunAsync(["init", "--env-file", File, .. switches], environment, Cancellation);

    private Task<CommandResult> InitAsync(KeyValuePair<string, string?>[] environment, params string[] switches) =>
        InitAsync(environment.ToDictionary(), switches);
}
