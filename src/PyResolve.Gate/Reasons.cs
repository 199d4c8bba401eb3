using PyResolve.Client;
using PyResolve.Client.Wire;
using PyResolve.MSBuild;

namespace PyResolve.Gate;

/// <summary>Which diagnostic a denial or a failure is.</summary>
internal static class Reasons
{
    public static bool IsOutOfReach(PyResolveException failure) =>
        failure.Code is PyResolveErrorCodes.Unreachable or PyResolveErrorCodes.Timeout or PyResolveErrorCodes.UnexpectedAnswer;

    /// <summary>Whether the server is there, and has no answer now.</summary>
    public static bool IsOverloaded(PyResolveException failure) => failure.Status is 429 or >= 500;

    public static GateFinding Of(QuotaDenial denial, GateMigration migration) => denial.Code switch
    {
        PyResolveErrorCodes.LoginRequired => new(
            GateDiagnostics.NoApiKey,
            $"{migration} needs an API key. Set {ApiKeyStore.ApiKeyVariable} to a secret of the CI system, or use tier1."),
        PyResolveErrorCodes.Offline => new(GateDiagnostics.OfflineDenied, $"{migration}: {OneLine(denial.Message)}"),
        ProblemCodes.LlmNotAllowed => new(GateDiagnostics.PlanLacksTier, $"{migration}: {OneLine(denial.Message)}"),
        _ => new(GateDiagnostics.QuotaExceeded, $"{migration}: {OneLine(denial.Message)}"),
    };

    public static GateFinding Of(PyResolveException failure) => new(
        failure switch
        {
            { Code: PyResolveErrorCodes.InvalidConfiguration or PyResolveErrorCodes.ConfigFile } => GateDiagnostics.InvalidSettings,
            { Status: 401 } or { Code: ProblemCodes.ScopeMissing } => GateDiagnostics.BadApiKey,
            _ when IsOutOfReach(failure) => GateDiagnostics.OfflineDenied,
            _ => GateDiagnostics.ServerFailed,
        },
        OneLine(failure.Message));

    public static string OneLine(string text) =>
        string.Join(' ', text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
