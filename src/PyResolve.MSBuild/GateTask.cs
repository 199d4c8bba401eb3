using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Globalization;
using System.IO;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Build.Framework;

namespace PyResolve.MSBuild;

/// <summary>Decides whether the gate has to run, and hands it to the worker. It has no parameter for a key: the worker finds it in its
/// environment.</summary>
public sealed class GateTask : Microsoft.Build.Utilities.Task, ICancelableTask
{
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(15);

    private readonly object _lock = new();
    private WorkerProcess? _worker;
    private bool _isCancelled;

    [Required]
    public ITaskItem[] Migrations { get; set; } = [];

    [Required]
    public string ProjectFile { get; set; } = "";

    [Required]
    public string StampFile { get; set; } = "";

    [Required]
    public string Worker { get; set; } = "";

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

    private string ProjectFolder => Path.GetDirectoryName(ProjectFile) ?? "";

    public override bool Execute()
    {
        if (ReadSwitch(nameof(Enforce), Enforce, CiSystem.IsPresent()) is not { } isEnforced
            || ReadSwitch(nameof(Run), Run, byDefault: false) is not { } isRun)
            return false;
        const NumberStyles Style = NumberStyles.AllowDecimalPoint;
        if (!double.TryParse(TimeLimit, Style, CultureInfo.InvariantCulture, out var seconds) || seconds is < 1 or > 600)
        {
            LogDiagnostic(GateDiagnostics.InvalidSettings, $"PyResolveTimeout is '{TimeLimit}'. Give it seconds, from 1 to 600.");
            return false;
        }

        var git = GitFolder.Find(ProjectFolder);
        var sarif = SarifFile.Length == 0 ? "" : Path.GetFullPath(Path.Combine(ProjectFolder, SarifFile));
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
        var end = RunWorker(request, isEnforced && isRun ? null : TimeSpan.FromSeconds(seconds) + StopTime);
        if (end is not [_, "passed", var text] || Log.HasLoggedErrors)
            return false;
        // What depends on the server is asked for again.
        if (isEnforced || text.Length > 0)
            stamp.Write(digest, isEnforced ? "" : text);
        return true;
    }

    public void Cancel()
    {
        lock (_lock)
        {
            _isCancelled = true;
            _worker?.Stop();
            _worker?.Limit(StopTime);
        }
    }

    /// <returns>The worker's last message; <see langword="null"/> when it did not come so far.</returns>
    private string[]? RunWorker(List<string> request, TimeSpan? limit)
    {
        try
        {
            using var worker = WorkerProcess.Start(FindHost(), Path.GetFullPath(Worker), ProjectFolder, request);
            lock (_lock)
            {
                _worker = worker;
                if (limit is { } time)
                    worker.Limit(time);
                if (_isCancelled)
                    worker.Stop();
            }
            return Follow(worker);
        }
        catch (Win32Exception e)
        {
            LogDiagnostic(
                GateDiagnostics.WorkerFailed,
                $"No .NET runtime was found to run it: {e.Message}. Install .NET 8 or later, or set DOTNET_HOST_PATH.");
            return null;
        }
    }

    private string[]? Follow(WorkerProcess worker)
    {
        string[]? end = null;
        while (worker.ReadLine() is { } line)
        {
            switch (GateLine.Split(line))
            {
                case [GateLine.Log, var level, var code, var text]:
                    LogLine(level, code, text);
                    break;
                case [GateLine.End, ..] words:
                    end = words;
                    break;
            }
        }

        lock (_lock)
            _worker = null;
        if (end is null && !_isCancelled)
        {
            var written = worker.Errors is { Length: > 0 } errors ? errors : "It wrote nothing.";
            var reason = worker.IsKilled ? "It did not end in time." : written;
            LogDiagnostic(GateDiagnostics.WorkerFailed, $"The gate's worker ended too early. {reason}");
        }
        return end;
    }

    private void LogLine(string level, string code, string text)
    {
        foreach (var diagnostic in GateDiagnostics.All)
        {
            if (diagnostic.Code == code)
            {
                LogDiagnostic(diagnostic, text);
                return;
            }
        }
        Log.LogMessage(level == "detail" ? MessageImportance.Normal : MessageImportance.High, text);
    }

    private void LogDiagnostic(GateDiagnostic diagnostic, string text)
    {
        var message = $"{text} ({diagnostic.HelpLink})";
        switch (diagnostic.Level)
        {
            case GateLevel.Error:
                Log.LogError(null, diagnostic.Code, null, diagnostic.HelpLink, ProjectFile, 0, 0, 0, 0, message);
                break;
            case GateLevel.Warning:
                Log.LogWarning(null, diagnostic.Code, null, diagnostic.HelpLink, ProjectFile, 0, 0, 0, 0, message);
                break;
            default:
                Log.LogMessage(null, diagnostic.Code, null, ProjectFile, 0, 0, 0, 0, MessageImportance.High, message);
                break;
        }
    }

    private bool? ReadSwitch(string name, string value, bool byDefault)
    {
        var text = value.Trim();
        if (text.Length == 0)
            return byDefault;
        if (bool.TryParse(text, out var isOn))
            return isOn;
        LogDiagnostic(GateDiagnostics.InvalidSettings, $"PyResolve{name} is '{text}'. Set it to true or false.");
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
        var version = typeof(GateTask).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
        var server = Environment.GetEnvironmentVariable("PYRESOLVE_API_URL");
        var text = string.Join("\n", request) + $"\n{version}\n{server}\n" + CiSystem.DescribeBuild();
        using var sha = SHA256.Create();
        return Convert.ToBase64String(sha.ComputeHash(Encoding.UTF8.GetBytes(text)));
    }
}
