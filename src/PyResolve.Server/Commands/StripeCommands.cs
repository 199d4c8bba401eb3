using System.CommandLine;
using PyResolve.Server.Audit;
using PyResolve.Server.Billing;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Operator;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

internal static class StripeCommands
{
    private const int MaxListed = 200;

    public static Command Create(RunOperatorCommand run)
    {
        var setup = new Command("setup", "Make products, prices, portal and webhook endpoint at Stripe; print the settings");
        // Works without a schema: its output is needed before the first start, which creates the schema.
        SetAction(
            setup,
            run,
            (_, services, token) => services.GetRequiredService<StripeSetup>().RunAsync(Console.Out, token),
            needsSchema: false);

        var doctor = new Command("doctor", "Check key, prices, webhook endpoint, secret and clock");
        SetAction(doctor, run, (_, services, token) => services.GetRequiredService<StripeDoctor>().RunAsync(Console.Out, token));

        var all = new Option<bool>("--all") { Description = "Every customer" };
        var customer = new Option<string?>("--customer") { Description = "One customer alone", HelpName = "id" };
        var dryRun = new Option<bool>("--dry-run") { Description = "Report what would change, and change nothing" };
        var sync = new Command("sync", "Set plans from what Stripe has") { all, customer, dryRun };
        sync.Validators.Add(result =>
        {
            if (result.GetValue(all) == result.GetValue(customer) is not null)
                result.AddError("Either --all or --customer <id>.");
        });
        SetAction(sync, run, (parse, services, token) => SyncAsync(services, parse.GetValue(customer), parse.GetValue(dryRun), token));

        var dead = new Option<bool>("--dead") { Description = "Only events that will not be retried" };
        var list = new Command("list", "The latest events from Stripe") { dead };
        SetAction(list, run, (parse, services, token) => ListAsync(services, parse.GetValue(dead), token));

        var id = new Argument<string?>("id") { Arity = ArgumentArity.ZeroOrOne };
        var replay = new Command("replay", "Work on events again") { id, dead };
        replay.Validators.Add(result =>
        {
            if (result.GetValue(dead) == result.GetValue(id) is not null)
                result.AddError("Either an event's id or --dead.");
        });
        SetAction(replay, run, (parse, services, token) => ReplayAsync(services, parse.GetValue(id), token));

        var account = OperatorAccount.Argument();
        var json = OperatorOutput.JsonOption();
        var explain = new Command("explain", "Say why an account has its plan: from its profile, from Stripe, and from the latest events")
        {
            account, json,
        };
        SetAction(
            explain,
            run,
            (parse, services, token) => StripeExplainCommand.ExplainAsync(
                services, parse.GetValue(account)!, new OperatorOutput(parse.GetValue(json)), token));
        var unclaimed = new Command("unclaimed", "Customers who pay for a plan and belong to no account") { json };
        SetAction(
            unclaimed,
            run,
            (parse, services, token) => StripeExplainCommand.ListUnclaimedAsync(
                services, new OperatorOutput(parse.GetValue(json)), token));

        return new Command("stripe", "Set up Stripe, check it, and repair what its events missed")
        {
            setup, doctor, sync, explain, unclaimed, new Command("events", "Events from Stripe") { list, replay },
        };
    }

    private static void SetAction(
        Command command,
        RunOperatorCommand run,
        Func<ParseResult, IServiceProvider, CancellationToken, Task<int>> action,
        bool needsSchema = true) =>
        command.SetAction((parse, cancellationToken) => run(
            parse,
            async (services, token) =>
            {
                if (!services.GetRequiredService<BillingOptions>().IsConfigured)
                    return await SayAsync("STRIPE_SECRET_KEY is not set. Copy it from the Stripe dashboard (Developers, API keys).", 2);
                if (needsSchema)
                    await services.GetRequiredService<SchemaMigrator>().CheckAsync(token);
                try
                {
                    return await action(parse, services, token);
                }
                catch (StripeException exception)
                {
                    return await SayAsync(exception.Message, 1);
                }
            },
            cancellationToken));

    public static async Task<int> SyncAsync(
        IServiceProvider services, string? onlyCustomer, bool isDryRun, CancellationToken cancellationToken)
    {
        var customers = services.GetRequiredService<BillingCustomers>();
        var sync = services.GetRequiredService<CustomerSync>();
        var adoption = services.GetRequiredService<CustomerAdoption>();
        using var line = new ProgressLine("Compared", "customers");
        if (onlyCustomer is { } only)
        {
            var (found, refusal) = await ClaimAsync(customers, adoption, only, isDryRun, cancellationToken);
            if (found is not { } owner)
                return await SayAsync(refusal, 1);
            await SyncOneAsync(sync, only, owner, isDryRun, line, cancellationToken);
            return 0;
        }

        var (seen, changed, failed) = (0, 0, 0);
        await foreach (var (customer, _) in customers.ListWithProfilesAsync(cancellationToken))
            await CountAsync(customer.Id, () => Task.FromResult<Guid?>(customer.UserId));
        foreach (var named in await adoption.ListNamedByProfilesAsync(cancellationToken))
            await CountAsync(named, () => FindOwnerAsync(adoption, named, isDryRun, cancellationToken));

        line.Clear();
        await Console.Out.WriteLineAsync($"{seen} customers, {changed} {(isDryRun ? "would change" : "changed")}, {failed} failed.");
        return failed == 0 ? 0 : 1;

        async Task CountAsync(string customerId, Func<Task<Guid?>> findOwner)
        {
            try
            {
                if (await findOwner() is not { } owner)
                    return;
                seen++;
                if (await SyncOneAsync(sync, customerId, owner, isDryRun, line, cancellationToken))
                    changed++;
                line.Report("with Stripe", seen);
            }
            catch (StripeException exception)
            {
                failed++;
                line.Clear();
                await Console.Error.WriteLineAsync($"{customerId}: {exception.Message}");
            }
        }
    }

    /// <summary>A customer who pays takes the place of the account's own, such as one of a checkout that was never paid.</summary>
    private static async Task<(Guid? Owner, string Refusal)> ClaimAsync(
        BillingCustomers customers, CustomerAdoption adoption, string customerId, bool isDryRun, CancellationToken cancellationToken)
    {
        var nobody = $"No account has the customer {customerId}, nor was it made for one.";
        if (await adoption.FindNamedAccountAsync(customerId, cancellationToken) is not { } owner)
            return (null, nobody);
        if (await customers.FindLinkedAsync(owner, cancellationToken) is not { } other || other.Id == customerId)
            return (await FindOwnerAsync(adoption, customerId, isDryRun, cancellationToken), nobody);
        if (await adoption.ListOursAsync(other, cancellationToken) is [var paid, ..])
        {
            return (null,
                $"The customer {customerId} is for the account {owner}, which has the customer {other.Id} with the subscription {paid.Id}. "
                + "An account has one customer: cancel one of the two subscriptions at Stripe, refund it, and run this again if it was "
                + $"that of {other.Id}.");
        }

        await Console.Out.WriteLineAsync(
            $"{customerId}: {(isDryRun ? "would take" : "takes")} the place of {other.Id}, which has no subscription to a plan.");
        return isDryRun || await adoption.ReplaceAsync(owner, other, customerId, cancellationToken) ? (owner, "") : (null, nobody);
    }

    /// <summary>A dry run does not link them.</summary>
    private static async Task<Guid?> FindOwnerAsync(
        CustomerAdoption adoption, string customerId, bool isDryRun, CancellationToken cancellationToken)
    {
        var owner = await adoption.FindAccountAsync(customerId, cancellationToken);
        return isDryRun || await adoption.TryAsync(customerId, cancellationToken) ? owner : null;
    }

    private static async Task<bool> SyncOneAsync(
        CustomerSync sync, string customerId, Guid owner, bool isDryRun, ProgressLine line, CancellationToken cancellationToken)
    {
        var preview = await sync.PreviewAsync(customerId, owner, cancellationToken);
        if (!isDryRun)
            await sync.RunAsync(customerId, cancellationToken);
        if (preview.HasChanges)
        {
            var profile = preview.OtherPlan is { } plan && plan != preview.Before.Plan ? $", and the profile says {plan}" : "";
            var orphaned = preview.Orphaned.Count == 0
                ? ""
                : $", and ends, as its account is deleted: {string.Join(", ", preview.Orphaned)}";
            line.Clear();
            await Console.Out.WriteLineAsync($"{customerId}: {Describe(preview.Before)} -> {Describe(preview.Now)}{profile}{orphaned}");
        }

        return preview.HasChanges;
    }

    private static string Describe(BillingState state) => $"{state.Plan} ({state.Status ?? "no subscription"})";

    private static async Task<int> ListAsync(IServiceProvider services, bool onlyDead, CancellationToken cancellationToken)
    {
        var events = await services.GetRequiredService<Inbox>().ListAsync(onlyDead ? "dead" : null, MaxListed, cancellationToken);
        await Console.Out.WriteLineAsync(
            $"{"RECEIVED",-20}  {"STATE",-8}  {"TRIES",5}  {"EVENT",-30}  {"TYPE",-40}  {"CUSTOMER",-20}  NOTE");
        foreach (var stored in events)
        {
            await Console.Out.WriteLineAsync(
                $"{stored.ReceivedAt:yyyy-MM-ddTHH:mm:ssZ}  {stored.State,-8}  {stored.Attempts,5}  {stored.Id,-30}  {stored.Type,-40}  "
                + $"{stored.CustomerId ?? "-",-20}  {stored.Note}");
        }

        return 0;
    }

    private static async Task<int> ReplayAsync(IServiceProvider services, string? eventId, CancellationToken cancellationToken)
    {
        var count = await services.GetRequiredService<Inbox>().ReplayAsync(eventId, Origin.Operator, cancellationToken);
        if (count == 0 && eventId is not null)
            return await SayAsync(
                $"There is no event {eventId} that names a customer. The command 'stripe events list' shows the latest.", 1);
        await Console.Out.WriteLineAsync($"{count} put back. A running server works on them within seconds.");
        return 0;
    }

    private static async Task<int> SayAsync(string text, int exitCode)
    {
        await Console.Error.WriteLineAsync(text);
        return exitCode;
    }
}
