using PyResolve.Client;
using PyResolve.Client.Wire;
using PyResolve.MSBuild;

namespace PyResolve.Gate;

/// <summary>On a developer's machine: what is left of the quota, and what CI would say. Nothing is reserved, and no build fails.</summary>
internal sealed class QuotaNotice(PyResolveClient client, GateRequest request, GateOutput output)
{
    /// <returns>What to say again instead of asking; empty when the server was not asked, or did not answer.</returns>
    public async Task<string> ShowAsync(CancellationToken stop)
    {
        var needs = string.Join(", ", request.Migrations);
        if (client.Keys.FindApiKey() is null)
        {
            output.Message($"PyResolve: not logged in, so that the quota is not known. CI gates: {needs}.");
            return "";
        }

        QuotaSnapshot? quota = null;
        try
        {
            foreach (var migration in request.Migrations)
            {
                var check = await client.Quota.CheckAsync(migration.ParsedTier, stop);
                quota ??= check.Quota;
                if (check.Denial is { } denial)
                    output.Report(GateDiagnostics.WouldBeDenied, Reasons.Of(denial, migration).Text);
            }
        }
        catch (PyResolveException e)
        {
            output.Message($"PyResolve: the quota is not known now. {Reasons.OneLine(e.Message)} CI gates: {needs}.");
            return "";
        }
        catch (OperationCanceledException)
        {
            return "";
        }

        var text = $"PyResolve: {QuotaSentence.Of(quota!)}. Nothing is charged here; CI gates: {needs}.";
        output.Message(text);
        // A warning is worth asking again.
        return output.Findings.Count == 0 ? text : "";
    }
}
