using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Globalization;
using System.IO;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Threading;
using Microsoft.Build.Framework;

namespace PyResolve.MSBuild;

/// <summary>Decides whether the gate has to run, and starts its worker, which works while the build goes on to its compilation. It has no
/// parameter for a key: the worker finds it in its environment.</summary>
public sealed class StartGateTask : Microsoft.Build.Utilities.Task
{
    private static int _started;

    [Required]
    public ITaskItem[] Migrations { get; set; } = [];

    [Required]
    public string ProjectFile { get; set; } = "";

    [Required]
    public string StampFile { get; set; } = "";

    [Required]
    public string Worker { get; set; } = "";

    /// <summary>The same worker as a native program, which starts in a fraction of the time; empty where the package has none.</summary>
    public string NativeWorker { get; set; } = "";

    /// <summary>Where the runtime's host may be, the best first; empty entries and missing files are passed over.</summary>
    public string[] Hosts { get; set; } = [];

    public string Enforce { get; set; } = "";

    public string Run { get; set; } = "";

    public string Migrator { get; set; } = "";

    public string OfflinePolicy { get; set; } = "";

    public string TimeLimit { get; set; } = "";

    public string SarifFile { get; set; } = "";

    public string Repository { get; set; } = "";

    public string Commit { get; set; } = "";

    /// <summary>What <see cref="AwaitGateTask"/> waits for; empty when the gate is up to date.</summary>
    [Output]
    public string Gate { get; set; } = "";

    private string ProjectFolder => Path.GetDirectoryName(ProjectFile) ?? "";

    public override bool Execute()
    {
        var log = new GateLog(Log, ProjectFile);
        if (ReadSwitch(log, nameof(Enforce), Enforce, CiSystem.IsPresent()) is not { } isEnforced
            || ReadSwitch(log, nameof(Run), Run, byDefault: false) is not { } isRun)
            return false;
        const NumberStyles Style = NumberStyles.AllowDecimalPoint;
        if (!double.TryParse(TimeLimit, Style, CultureInfo.InvariantCulture, out var seconds) || seconds is < 1 or > 600)
        {
            log.Report(GateDiagnostics.InvalidSettings, $"PyResolveTimeout is '{TimeLimit}'. Give it seconds, from 1 to 600.");
            return false;
        }

        var git = GitFolder.Find(ProjectFolder);
        var sarif = SarifFile.Length == 0 ? "" : Path.GetFullPath(Path.Combine(ProjectFolder, SarifFile));
        var request = CreateRequest(isEnforced, isRun, seconds, sarif, git);
        var digest = Digest(request);
        var stamp = new GateStamp(Path.GetFullPath(Path.Combine(ProjectFolder, StampFile)));
        if ((sarif.Length == 0 || File.Exists(sarif)) && stamp.FindPassed(digest, isEnforced) is { } passed)
        {
            if (passed.Length > 0)
                Log.LogMessage(MessageImportance.High, passed);
            return true;
        }

        request.Add(GateLine.Join("origin", git?.FindOrigin() ?? ""));
        request.Add(GateLine.Begin);
        var limit = isEnforced && isRun ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(seconds) + WorkerProcess.StopTime;
        try
        {
            var native = StartNative(request, limit);
            Func<WorkerProcess>? portable = native is null ? null : () => StartPortable(request, limit);
            var started = new StartedGate(native ?? StartPortable(request, limit), portable, stamp, digest, isEnforced);
            Gate = $"PyResolve.MSBuild.{Interlocked.Increment(ref _started).ToString(CultureInfo.InvariantCulture)}";
            // A build that ends before it waits for the worker disposes of it.
            ((IBuildEngine4)BuildEngine).RegisterTaskObject(
                Gate, started, RegisteredTaskObjectLifetime.Build, allowEarlyCollection: false);
            return true;
        }
        catch (Win32Exception e)
        {
            log.ReportNoRuntime(e);
            return false;
        }
    }

    private WorkerProcess? StartNative(List<string> request, TimeSpan limit)
    {
        try
        {
            return NativeWorker.Length == 0 ? null : WorkerProcess.Start(NativeWorker, "", ProjectFolder, request, limit);
        }
        catch (Win32Exception)
        {
            // It may not be run here, as in a folder that is mounted without the right to.
            return null;
        }
    }

    private WorkerProcess StartPortable(List<string> request, TimeSpan limit) =>
        WorkerProcess.Start(FindHost(), $"\"{Path.GetFullPath(Worker)}\"", ProjectFolder, request, limit);

    private List<string> CreateRequest(bool isEnforced, bool isRun, double seconds, string sarif, GitFolder? git)
    {
        List<string> request =
        [
            GateLine.Join("project", ProjectFile),
            GateLine.Join("mode", isEnforced ? "enforce" : "inform"),
            GateLine.Join("run", isRun ? "true" : "false"),
            GateLine.Join("offline", OfflinePolicy),
            GateLine.Join("seconds", seconds.ToString(CultureInfo.InvariantCulture)),
            GateLine.Join("sarif", sarif),
            GateLine.Join("repository", Repository),
            GateLine.Join("commit", Commit),
            GateLine.Join("head", git?.FindHead() ?? ""),
        ];
        foreach (var item in Migrations)
        {
            var migrator = item.GetMetadata("Migrator") is { Length: > 0 } own ? own : Migrator;
            var (target, tier) = (item.GetMetadata("TargetVersion"), item.GetMetadata("Tier"));
            request.Add(GateLine.Join("migration", item.ItemSpec, target, tier, migrator, item.GetMetadata("Path")));
        }
        return request;
    }

    private static bool? ReadSwitch(GateLog log, string name, string value, bool byDefault)
    {
        var text = value.Trim();
        if (text.Length == 0)
            return byDefault;
        if (bool.TryParse(text, out var isOn))
            return isOn;
        log.Report(GateDiagnostics.InvalidSettings, $"PyResolve{name} is '{text}'. Set it to true or false.");
        return null;
    }

    private string FindHost()
    {
        foreach (var host in Hosts)
        {
            if (File.Exists(host))
                return host;
        }
        return "dotnet";
    }

    private static string Digest(List<string> request)
    {
        var version = typeof(StartGateTask).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
        var server = Environment.GetEnvironmentVariable("PYRESOLVE_API_URL");
        var text = string.Join("\n", request) + $"\n{version}\n{server}\n" + CiSystem.DescribeBuild();
        using var sha = SHA256.Create();
        return Convert.ToBase64String(sha.ComputeHash(Encoding.UTF8.GetBytes(text)));
    }
}
