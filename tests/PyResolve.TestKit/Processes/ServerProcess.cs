using System.Collections;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.InteropServices;

namespace PyResolve.TestKit;

/// <summary>
/// The built server as a separate process, as an operator would run it: from another folder, on a loopback port, by default in the
/// Production environment. It ends with this process at the latest. Not thread-safe, except for <see cref="Http"/>.
/// </summary>
public sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>A server that serves instead of refusing to start does not end. Commands of the proofs may take long.</summary>
    private static readonly TimeSpan CommandLimit = TimeSpan.FromMinutes(Scale.Pick(shortForm: 5, longForm: 30));

    private static readonly string[] Settings =
        ["PYRESOLVE_", "STRIPE_", "SUPABASE_", "ASPNETCORE_", "DATABASE_URL", "DOTNET_ENVIRONMENT", "DOTNET_SYSTEM_NET_", "PORT"];

    private readonly string _assembly;
    private readonly Dictionary<string, string?> _environment;
    private readonly string _folder = Directory.CreateTempSubdirectory("pyresolve-server-").FullName;
    private readonly ProcessLog _log = new();
    private readonly Watchdog _watchdog;
    private Process? _process;

    private ServerProcess(string assembly, IReadOnlyDictionary<string, string?>? environment)
    {
        _assembly = assembly;
        _watchdog = new Watchdog(_folder);
        _environment = CleanEnvironment();
        Address = new Uri($"http://127.0.0.1:{Loopback.FreePort()}");
        _environment["ASPNETCORE_URLS"] = Address.OriginalString;
        _environment["PYRESOLVE_DATA"] = _folder;
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
            _environment[name] = value;
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false })
        {
            BaseAddress = Address,
        };
    }

    /// <summary>The path of the built <c>PyResolve.Server.dll</c>.</summary>
    public static string Assembly { get; } = typeof(ServerProcess).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(metadata => metadata.Key == "PyResolve.Server").Value!;

    /// <summary>Stays the same across restarts.</summary>
    public Uri Address { get; }

    /// <summary>A client of this server: no redirects, no cookies, no proxy.</summary>
    public HttpClient Http { get; }

    /// <summary>The embedded database's folder, removed on disposal; unless the environment given says otherwise.</summary>
    public string DataFolder => _environment["PYRESOLVE_DATA"] ?? _folder;

    /// <summary>What it has written so far, over all its runs.</summary>
    public string Log => _log.Text;

    /// <summary>The process's id, while it runs.</summary>
    public int ProcessId => Running().Id;

    /// <summary>Starts a server and waits until <c>/health/ready</c> answers 200.</summary>
    /// <param name="environment">
    /// Its settings, on top of <c>ASPNETCORE_URLS</c>, <c>PYRESOLVE_DATA</c> and the fewest rounds of password hashing; a null removes one.
    /// Settings of the developer's own environment do not reach it.
    /// </param>
    /// <param name="cancellationToken">Abandons the start.</param>
    /// <exception cref="InvalidOperationException">It ended instead, or was not ready within 60 s. The message quotes its log.</exception>
    public static Task<ServerProcess> StartAsync(
        IReadOnlyDictionary<string, string?>? environment = null, CancellationToken cancellationToken = default)
    {
        // As for TestServer: many tests sign up accounts.
        var all = new Dictionary<string, string?> { ["PyResolve__PasswordIterations"] = "1000" };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
            all[name] = value;
        return StartProgramAsync(Assembly, all, cancellationToken);
    }

    /// <summary>
    /// Starts another web program as if it were the server: on an address and a folder of its own, and ready when <c>/health/ready</c>
    /// answers 200.
    /// </summary>
    /// <inheritdoc cref="StartAsync" path="/exception"/>
    public static async Task<ServerProcess> StartProgramAsync(
        string assembly, IReadOnlyDictionary<string, string?>? environment = null, CancellationToken cancellationToken = default)
    {
        var server = new ServerProcess(assembly, environment);
        try
        {
            await server.RestartAsync(cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it again, after <see cref="KillAsync"/> or <see cref="StopAsync"/>, on its address and its data.</summary>
    /// <exception cref="InvalidOperationException">As at the start; also when it runs already.</exception>
    public async Task RestartAsync(CancellationToken cancellationToken = default)
    {
        if (_process is not null)
            throw new InvalidOperationException("The server runs already.");
        _process = Process.Start(StartInfo([]))!;
        _watchdog.Guard(_process);
        _log.Follow(_process);
        await BecomesReadyAsync(_process, cancellationToken);
    }

    /// <summary>Asks it to end, by SIGTERM, as an orchestrator does.</summary>
    /// <exception cref="InvalidOperationException">It did not end within 60 s, or not with exit code 0.</exception>
    public async Task StopAsync()
    {
        var process = Running();
        Signals.Send(process, Signals.Terminate);
        using var deadline = new CancellationTokenSource(Deadline);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            throw Failure($"did not end within {Deadline.TotalSeconds} s of SIGTERM");
        }

        var exitCode = process.ExitCode;
        Forget();
        if (exitCode != 0)
            throw Failure($"ended with exit code {exitCode} on SIGTERM");
    }

    /// <summary>SIGKILL. The process has ended when this returns.</summary>
    public async Task KillAsync()
    {
        var process = Running();
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        Forget();
    }

    /// <summary>
    /// Runs an operator command, such as <c>accounts list</c>, with this server's settings, whether or not it is running.
    /// </summary>
    public Task<CommandResult> RunAsync(IEnumerable<string> arguments, CancellationToken cancellationToken = default) =>
        RunAsync(arguments, _environment, _folder, interruption: null, cancellationToken);

    /// <summary>Runs the server binary to its end, for operator commands and for starts that must fail.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="environment">Its settings; those of the developer's own environment do not reach it.</param>
    /// <param name="cancellationToken">Kills it.</param>
    public static Task<CommandResult> RunAsync(
        IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment, CancellationToken cancellationToken = default) =>
        InterruptAsync(arguments, environment, interruption: null, cancellationToken);

    /// <summary>The same, and sends it SIGTERM once <paramref name="interruption"/> completes.</summary>
    public static Task<CommandResult> InterruptAsync(
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string?> environment,
        Task? interruption,
        CancellationToken cancellationToken = default)
    {
        var clean = CleanEnvironment();
        foreach (var (name, value) in environment)
            clean[name] = value;
        return RunAsync(arguments, clean, Path.GetTempPath(), interruption, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await KillAsync();
        Http.Dispose();
        Directory.Delete(_folder, recursive: true);
        _watchdog.Dispose();
    }

    /// <summary>Whether a request had no answer because the server was killed or has not started yet.</summary>
    // HttpClient throws an unwrapped SocketException if the server ends while a connection is made.
    public static bool IsAway(Exception exception) => exception is HttpRequestException or SocketException;

    private static async Task<CommandResult> RunAsync(
        IEnumerable<string> arguments,
        Dictionary<string, string?> environment,
        string folder,
        Task? interruption,
        CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(CommandLimit);
        try
        {
            return await Command.RunAsync(
                Muxer(),
                [Assembly, .. arguments],
                environment,
                workingDirectory: folder,
                interruption: interruption,
                cancellationToken: limit.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException(
                $"PyResolve.Server {string.Join(' ', arguments)} did not end within {CommandLimit.TotalMinutes} minutes.", e);
        }
    }

    /// <summary>The dotnet that runs these tests; the process itself may be a test host.</summary>
    public static string Muxer() => Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));

    private static Dictionary<string, string?> CleanEnvironment() => Environment.GetEnvironmentVariables()
        .Cast<DictionaryEntry>()
        .Select(variable => (string)variable.Key)
        .Where(
            name => Settings.Any(setting => setting.EndsWith('_') ? name.StartsWith(setting, StringComparison.Ordinal) : name == setting))
        .ToDictionary(name => name, string? (_) => null);

    private ProcessStartInfo StartInfo(IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Muxer(), [_assembly, .. arguments])
        {
            WorkingDirectory = _folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in _environment)
            start.Environment[name] = value;
        return start;
    }

    private async Task BecomesReadyAsync(Process process, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        try
        {
            while (!await IsReadyAsync(deadline.Token))
            {
                if (process.HasExited)
                {
                    await process.WaitForExitAsync(cancellationToken);
                    var exitCode = process.ExitCode;
                    Forget();
                    throw Failure($"ended with exit code {exitCode} instead of serving");
                }

                await Task.Delay(TimeSpan.FromMilliseconds(20), deadline.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failure($"was not ready within {Deadline.TotalSeconds} s");
        }
    }

    private async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await Http.GetAsync(new Uri("/health/ready", UriKind.Relative), cancellationToken);
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception exception) when (IsAway(exception))
        {
            return false;
        }
    }

    private Process Running() => _process ?? throw new InvalidOperationException("The server is not running.");

    private void Forget()
    {
        _watchdog.Guard(null);
        _process?.Dispose();
        _process = null;
    }

    private InvalidOperationException Failure(string what) => new($"The server {what}. Its log:\n{Log}");
}
