using System.Diagnostics;
using Npgsql;

namespace PyResolve.TestKit;

/// <summary>
/// A PostgreSQL with its files in a temporary folder and its port on loopback only. It ends with this process at the latest.
/// </summary>
internal sealed class PrivateCluster : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Most of its many databases are used for seconds: to look through all of them every minute costs more than it brings. The tables of
    /// the long proofs need it.
    /// </summary>
    private static readonly string[] WithoutVacuum = Scale.IsSoak ? [] : ["autovacuum_naptime=3600"];

    private readonly string _binaries;
    private readonly string _folder;
    private readonly int _maxConnections;
    private readonly string[] _ownSettings;
    private readonly string[] _settings;
    private readonly int _port = Loopback.FreePort();
    private readonly ProcessLog _log = new();
    private readonly Watchdog _watchdog;
    private Process? _postmaster;
    private bool _isFrozen;

    private PrivateCluster(string binaries, bool durable, int maxConnections, IEnumerable<string>? settings = null)
    {
        _binaries = binaries;
        _maxConnections = maxConnections;
        _ownSettings = [.. settings ?? []];
        _settings = [.. Settings(_port, durable, maxConnections), .. _ownSettings];
        // PostgreSQL refuses to run as root, so root runs it as the user postgres, who may not have access to root's temporary folder.
        var temporary = Environment.IsPrivilegedProcess ? "/tmp" : Path.GetTempPath();
        _folder = Path.Combine(temporary, $"pyresolve-postgres-{Path.GetRandomFileName()}");
        _watchdog = new Watchdog(_folder);
    }

    public string ConnectionString => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = _port,
        Username = "postgres",
        Database = "postgres",
    }.ConnectionString;

    public string Log => _log.Text;

    public bool IsRunning => _postmaster is not null;

    public int ProcessId => (_postmaster ?? throw new InvalidOperationException("PostgreSQL does not run.")).Id;

    private string DataFolder => Path.Combine(_folder, "data");

    public static async Task<PrivateCluster> CreateAsync(
        bool durable, int maxConnections, CancellationToken cancellationToken, IEnumerable<string>? settings = null)
    {
        var cluster = new PrivateCluster(PostgresBinaries.Find(), durable, maxConnections, settings);
        try
        {
            await cluster.InitializeAsync(cancellationToken);
            await cluster.StartAsync(cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>A replica that streams from another cluster.</summary>
    public static async Task<PrivateCluster> CreateStandbyAsync(PrivateCluster primary, CancellationToken cancellationToken)
    {
        // PostgreSQL refuses to follow a primary that has more connections.
        var cluster = new PrivateCluster(PostgresBinaries.Find(), durable: true, primary._maxConnections, primary._ownSettings);
        try
        {
            string[] line = cluster.AsOrdinaryUser(
                "pg_basebackup",
                "--pgdata",
                cluster.DataFolder,
                "--dbname",
                $"host=127.0.0.1 port={primary._port} user=postgres application_name=standby",
                "--write-recovery-conf",
                "--checkpoint=fast",
                "--no-sync");
            var made = await Command.RunAsync(line[0], line[1..], workingDirectory: "/", cancellationToken: cancellationToken);
            made.OrThrow("pg_basebackup");
            await cluster.StartAsync(cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (_postmaster is not null)
            throw new InvalidOperationException("PostgreSQL runs already.");

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        var logged = _log.Text.Length;
        Launch();
        while (!await AcceptsConnectionsAsync(deadline.Token))
        {
            if (_postmaster!.HasExited)
            {
                await _postmaster.WaitForExitAsync(cancellationToken);
                // The children of a killed postmaster may run a moment longer, and a new one refuses to start until they have ended.
                if (!_log.Text[logged..].Contains("pre-existing shared memory block", StringComparison.Ordinal))
                    throw new InvalidOperationException($"PostgreSQL did not start.\n{_log.Text}");
                Forget();
                Launch();
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), deadline.Token);
        }
    }

    /// <summary>A primary that was killed comes back as the standby of another, without what that one does not have.</summary>
    public async Task FollowAsync(PrivateCluster primary, CancellationToken cancellationToken)
    {
        string[] line = AsOrdinaryUser(
            "pg_rewind",
            "--target-pgdata",
            DataFolder,
            "--source-server",
            $"host=127.0.0.1 port={primary._port} user=postgres dbname=postgres application_name=standby",
            "--write-recovery-conf",
            "--no-sync");
        var rewound = await Command.RunAsync(line[0], line[1..], workingDirectory: "/", cancellationToken: cancellationToken);
        rewound.OrThrow("pg_rewind");
        await StartAsync(cancellationToken);
    }

    /// <summary>SIGKILL for the postmaster and all its children, at once.</summary>
    public async Task KillAsync()
    {
        if (_postmaster is null)
            return;
        _postmaster.Kill(entireProcessTree: true);
        await _postmaster.WaitForExitAsync();
        Forget();
    }

    /// <summary>SIGSTOP for the postmaster, so that it starts no further children, and then for its children.</summary>
    public void Freeze()
    {
        Signals.SendToFamily(_postmaster ?? throw new InvalidOperationException("PostgreSQL does not run."), Signals.Stop);
        _isFrozen = true;
    }

    public void Thaw()
    {
        if (_isFrozen)
            Signals.SendToFamily(_postmaster!, Signals.Continue);
        _isFrozen = false;
    }

    public async ValueTask DisposeAsync()
    {
        Thaw();
        await StopAsync();
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
        _watchdog.Dispose();
    }

    // An immediate shutdown: unwritten data do not matter now, but the postmaster still waits for its children.
    private async Task StopAsync()
    {
        if (_postmaster is null)
            return;
        Signals.Send(_postmaster, Signals.Quit);
        await _postmaster.WaitForExitAsync();
        Forget();
    }

    private static string[] Settings(int port, bool durable, int maxConnections)
    {
        string[] settings =
        [
            $"port={port}",
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            $"max_connections={maxConnections}",
            "shared_buffers=64MB",
            // A time zone far from UTC, so that tests fail if the month of an event depends on the session's time zone.
            "timezone=Pacific/Auckland",
        ];
        return durable
            ? [.. settings, "wal_keep_size=256MB"]
            : [.. settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off", .. WithoutVacuum];
    }

    private async Task InitializeAsync(CancellationToken cancellationToken)
    {
        string[] line = AsOrdinaryUser(
            "initdb",
            "--pgdata",
            DataFolder,
            "--username",
            "postgres",
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            // Without them, pg_rewind cannot tell which pages have changed.
            "--data-checksums",
            "--no-sync");
        var made = await Command.RunAsync(line[0], line[1..], workingDirectory: "/", cancellationToken: cancellationToken);
        made.OrThrow("initdb");
    }

    private void Launch()
    {
        string[] line = AsOrdinaryUser("postgres", ["-D", DataFolder, .. _settings.SelectMany(setting => new[] { "-c", setting })]);
        _postmaster = Process.Start(new ProcessStartInfo(line[0], line[1..])
        {
            WorkingDirectory = "/",
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _watchdog.Guard(_postmaster);
        _log.Follow(_postmaster);
    }

    private string[] AsOrdinaryUser(string program, params string[] arguments)
    {
        var path = Path.Combine(_binaries, program);
        string[] line = [File.Exists(path) ? path : program, .. arguments];
        return Environment.IsPrivilegedProcess
            ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", .. line]
            : line;
    }

    private async Task<bool> AcceptsConnectionsAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = new NpgsqlConnection($"{ConnectionString};Pooling=false");
            await connection.OpenAsync(cancellationToken);
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private void Forget()
    {
        _watchdog.Guard(null);
        _isFrozen = false;
        _postmaster?.Dispose();
        _postmaster = null;
    }
}
