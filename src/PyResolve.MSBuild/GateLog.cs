using System.ComponentModel;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace PyResolve.MSBuild;

/// <summary>The build's log, with the gate's diagnostics at their levels.</summary>
internal sealed class GateLog(TaskLoggingHelper log, string projectFile)
{
    /// <summary>A line of the worker's.</summary>
    public void Line(string level, string code, string text)
    {
        foreach (var diagnostic in GateDiagnostics.All)
        {
            if (diagnostic.Code == code)
            {
                Report(diagnostic, text);
                return;
            }
        }
        log.LogMessage(level == "detail" ? MessageImportance.Normal : MessageImportance.High, text);
    }

    public void ReportNoRuntime(Win32Exception failure) => Report(
        GateDiagnostics.WorkerFailed,
        $"No .NET runtime was found to run it: {failure.Message}. Install .NET 8 or later, or set DOTNET_HOST_PATH.");

    public void Report(GateDiagnostic diagnostic, string text)
    {
        var message = $"{text} ({diagnostic.HelpLink})";
        switch (diagnostic.Level)
        {
            case GateLevel.Error:
                log.LogError(null, diagnostic.Code, null, diagnostic.HelpLink, projectFile, 0, 0, 0, 0, message);
                break;
            case GateLevel.Warning:
                log.LogWarning(null, diagnostic.Code, null, diagnostic.HelpLink, projectFile, 0, 0, 0, 0, message);
                break;
            default:
                log.LogMessage(null, diagnostic.Code, null, projectFile, 0, 0, 0, 0, MessageImportance.High, message);
                break;
        }
    }
}
