using PyResolve.Client;
using PyResolve.MSBuild;

namespace PyResolve.Gate;

/// <summary>One run of the worker, from the request to the last message.</summary>
internal static class GateRun
{
    /// <summary>A build of a developer does not wait long for a quota that is only shown.</summary>
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(2);

    /// <summary>For usage that could not be sent before. What is left is sent by a later build.</summary>
    private static readonly TimeSpan LongestFlush = TimeSpan.FromSeconds(2);

    public static async Task RunAsync(GateRequest request, GateOutput output, CancellationToken stop)
    {
        var (isPassed, remembered) = (false, "");
        try
        {
            if (request.FindMistake() is { } mistake)
                output.Report(GateDiagnostics.InvalidSettings, mistake);
            else
                (isPassed, remembered) = await DecideAsync(request, output, stop);
        }
        catch (PyResolveException e)
        {
            var finding = Reasons.Of(e);
            output.Report(finding.Diagnostic, finding.Text);
        }
        Publish(request, output);
        output.End(isPassed && !output.HasErrors, remembered);
    }

    private static async Task<(bool IsPassed, string Remembered)> DecideAsync(
        GateRequest request, GateOutput output, CancellationToken stop)
    {
        var time = TimeSpan.FromSeconds(request.Seconds / 2);
        if (!request.IsEnforced)
        {
            // Without a policy, so that no answer is told from an answer.
            await using var looking = Create(OfflinePolicy.Deny, time < LongestLook ? time : LongestLook);
            return (true, await new QuotaNotice(looking, request, output).ShowAsync(stop));
        }

        await using var client = Create(request.FindPolicy()!.Value, time);
        var identity = BuildIdentity.Find(request, Environment.GetEnvironmentVariable);
        var gate = new EnforcedGate(client, request, identity, output);
        var isPassed = await gate.PassAsync(stop);
        if (gate.IsAnswered)
            await SendWaitingUsageAsync(client, time, stop);
        return (isPassed, "");
    }

    /// <summary>What earlier builds did while the server was away.</summary>
    private static async Task SendWaitingUsageAsync(PyResolveClient client, TimeSpan time, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(time < LongestFlush ? time : LongestFlush);
        try
        {
            await client.Usage.FlushAsync(limit.Token);
        }
        catch (Exception e) when (e is PyResolveException or OperationCanceledException)
        {
            // It stays on disk. A later build sends it.
        }
    }

    /// <param name="time">For one call. A gate makes two rounds of calls, each of them at once for all migrations.</param>
    private static PyResolveClient Create(OfflinePolicy policy, TimeSpan time) => PyResolveClient.Create(new PyResolveClientOptions
    {
        ApplicationName = $"PyResolve.MSBuild/{typeof(GateRun).Assembly.GetName().Version!.ToString(3)}",
        Offline = policy,
        RequestTimeout = time,
        // Part of the call's time, so that the message can say that there was no connection.
        ConnectTimeout = time * 0.6,
        ShutdownTimeout = time < LongestFlush ? time : LongestFlush,
        LogInHint = $"Set {ApiKeyStore.ApiKeyVariable} to a valid key, on CI as a secret.",
    });

    private static void Publish(GateRequest request, GateOutput output)
    {
        foreach (var finding in output.Findings)
        {
            if (Annotations.Format(finding, request.Project, Environment.GetEnvironmentVariable) is { } annotation)
                output.Message(annotation);
        }
        if (request.Sarif.Length == 0)
            return;
        try
        {
            SarifLog.Write(request.Sarif, request.Project, output.Findings);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            output.Report(GateDiagnostics.InvalidSettings, $"PyResolveSarif cannot be written: {e.Message}");
        }
    }
}
