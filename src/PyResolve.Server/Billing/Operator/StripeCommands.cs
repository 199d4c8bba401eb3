using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Operator;

/// <summary>What follows <c>stripe</c> on the operator's command line, apart from settings.</summary>
internal sealed record StripeSwitches(string? Customer, bool All, bool DryRun, bool Dead)
{
    /// <summary>Takes its own switches out of <paramref name="settings"/>; the rest is configuration.</summary>
    public static StripeSwitches Take(ref string[] settings)
    {
        var rest = new List<string>();
        var switches = new StripeSwitches(null, false, false, false);
        for (var i = 0; i < settings.Length; i++)
        {
            switches = settings[i] switch
            {
                "--all" => switches with { All = true },
                "--dry-run" => switches with { DryRun = true },
                "--dead" => switches with { Dead = true },
                "--customer" when i + 1 < settings.Length => switches with { Customer = settings[++i] },
                var text when text.StartsWith("--customer=", StringComparison.Ordinal) => switches with { Customer = text["--customer=".Length..] },
                _ => Keep(settings[i]),
            };
        }

        settings = [.. rest];
        return switches;

        StripeSwitches Keep(string setting)
        {
            rest.Add(setting);
            return switches;
        }
    }
}

/// <summary>The operator's commands that begin with <c>stripe</c>.</summary>
internal static class StripeCommands
{
    private const int MostListed = 200;

    /// <returns>The exit code; <see langword="null"/> where there is no such command.</returns>
    public static async Task<int?> RunAsync(IServiceProvider services, string[] words, StripeSwitches switches)
    {
        Func<Task<int>>? command = words switch
        {
            ["setup"] => () => services.GetRequiredService<StripeSetup>().RunAsync(Console.Out, CancellationToken.None),
            ["doctor"] => () => services.GetRequiredService<StripeDoctor>().RunAsync(Console.Out, CancellationToken.None),
            ["sync"] when switches.All != (switches.Customer is not null) => () => SyncAsync(services, switches),
            ["events", "list"] => () => ListAsync(services, switches),
            ["events", "replay"] when switches.Dead => () => ReplayAsync(services, eventId: null),
            ["events", "replay", var id] => () => ReplayAsync(services, id),
            _ => null,
        };
        if (command is null)
            return null;
        if (!services.GetRequiredService<BillingOptions>().IsConfigured)
            return await SayAsync("STRIPE_SECRET_KEY is not set. Copy it from the Stripe dashboard (Developers, API keys).", 2);
        // What setup prints is needed before the first start, which makes the schema.
        if (words is not ["setup"])
            await services.GetRequiredService<SchemaMigrator>().CheckAsync(CancellationToken.None);
        try
        {
            return await command();
        }
        catch (StripeException exception)
        {
            return await SayAsync(exception.Message, 1);
        }
    }

    private static async Task<int> SyncAsync(IServiceProvider services, StripeSwitches switches)
    {
        var customers = services.GetRequiredService<BillingCustomers>();
        var sync = services.GetRequiredService<CustomerSync>();
        var adoption = services.GetRequiredService<CustomerAdoption>();
        if (switches.Customer is { } only)
        {
            if (await FindOwnerAsync(adoption, only, switches.DryRun) is not { } owner)
                return await SayAsync($"No account has the customer {only}, nor was it made for one.", 1);
            await SyncOneAsync(sync, only, owner, switches.DryRun);
            return 0;
        }

        var (seen, changed, failed) = (0, 0, 0);
        await foreach (var (customer, _) in customers.ListWithProfilesAsync(CancellationToken.None))
            await CountAsync(customer.Id, () => Task.FromResult<Guid?>(customer.UserId));
        foreach (var named in await adoption.ListNamedByProfilesAsync(CancellationToken.None))
            await CountAsync(named, () => FindOwnerAsync(adoption, named, switches.DryRun));

        await Console.Out.WriteLineAsync($"{seen} customers, {changed} {(switches.DryRun ? "would change" : "changed")}, {failed} failed.");
        return failed == 0 ? 0 : 1;

        async Task CountAsync(string customerId, Func<Task<Guid?>> findOwner)
        {
            try
            {
                if (await findOwner() is not { } owner)
                    return;
                seen++;
                if (await SyncOneAsync(sync, customerId, owner, switches.DryRun))
                    changed++;
            }
            catch (StripeException exception)
            {
                failed++;
                await Console.Error.WriteLineAsync($"{customerId}: {exception.Message}");
            }
        }
    }

    /// <summary>Whose the customer is. A dry run ties nobody to it.</summary>
    private static async Task<Guid?> FindOwnerAsync(CustomerAdoption adoption, string customerId, bool isDryRun)
    {
        var owner = await adoption.FindAccountAsync(customerId, CancellationToken.None);
        return isDryRun || await adoption.TryAsync(customerId, CancellationToken.None) ? owner : null;
    }

    private static async Task<bool> SyncOneAsync(CustomerSync sync, string customerId, Guid owner, bool isDryRun)
    {
        var preview = await sync.PreviewAsync(customerId, owner, CancellationToken.None);
        if (!isDryRun)
            await sync.RunAsync(customerId, CancellationToken.None);
        if (preview.IsOutOfStep)
        {
            var profile = preview.OtherPlan is { } plan && plan != preview.Before.Plan ? $", and the profile says {plan}" : "";
            var outlived = preview.Outlived.Count == 0 ? "" : $", and ends what outlived its account: {string.Join(", ", preview.Outlived)}";
            await Console.Out.WriteLineAsync($"{customerId}: {Describe(preview.Before)} -> {Describe(preview.Now)}{profile}{outlived}");
        }

        return preview.IsOutOfStep;
    }

    private static string Describe(Standing standing) => $"{standing.Plan} ({standing.Status ?? "no subscription"})";

    private static async Task<int> ListAsync(IServiceProvider services, StripeSwitches switches)
    {
        var events = await services.GetRequiredService<Inbox>().ListAsync(switches.Dead ? "dead" : null, MostListed, CancellationToken.None);
        await Console.Out.WriteLineAsync($"{"RECEIVED",-20}  {"STATE",-8}  {"TRIES",5}  {"EVENT",-30}  {"TYPE",-40}  {"CUSTOMER",-20}  NOTE");
        foreach (var stored in events)
            await Console.Out.WriteLineAsync($"{stored.ReceivedAt:yyyy-MM-ddTHH:mm:ssZ}  {stored.State,-8}  {stored.Attempts,5}  {stored.Id,-30}  {stored.Type,-40}  {stored.CustomerId ?? "-",-20}  {stored.Note}");
        return 0;
    }

    private static async Task<int> ReplayAsync(IServiceProvider services, string? eventId)
    {
        var count = await services.GetRequiredService<Inbox>().ReplayAsync(eventId, CancellationToken.None);
        if (count == 0 && eventId is not null)
            return await SayAsync($"There is no event {eventId} that names a customer. The command 'stripe events list' shows the latest.", 1);
        await Console.Out.WriteLineAsync($"{count} put back. A running server works on them within a second.");
        return 0;
    }

    private static async Task<int> SayAsync(string text, int exitCode)
    {
        await Console.Error.WriteLineAsync(text);
        return exitCode;
    }
}
