using Microsoft.Data.Sqlite;
using Npgsql;
using PyResolve.Server.Admin;
using PyResolve.Server.Billing.Operator;
using PyResolve.Server.Billing.Simulated;
using PyResolve.Server.Hosting;
using PyResolve.Server.Quota;
using PyResolve.Server.Storage;

namespace PyResolve.Server;

/// <summary>The server's binary is the operator's tool too: leading words are a command, switches are configuration, none at all serves.</summary>
internal static class OperatorCommands
{
    private const int Done = 0;
    private const int Failed = 1;
    private const int WrongUsage = 2;

    private const string Usage = """
        Usage: PyResolve.Server [command] [--setting=value ...]

          (no command)                        serve
          accounts list                       every account: e-mail, plan, this month's migrations
          accounts set-plan <e-mail> <plan>   put an account on free, pro, unlimited or enterprise
          usage recompute                     add usage up anew from its events, and set right what differs: exit code 1 if anything did
              --account <id or e-mail>        one account alone
              --month <yyyy-mm>               one month alone
              --dry-run                       say what differs, and leave it
          stripe setup                        make products, prices, portal and webhook endpoint at Stripe; print the settings
          stripe doctor                       check key, prices, webhook endpoint, secret and clock
          stripe sync --all | --customer <id> [--dry-run]
                                              set plans from what Stripe has
          stripe events list [--dead]         the latest events from Stripe
          stripe events replay <id> | --dead  work on them again
          migrate-schema                      bring the database's schema up to date, and stop
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        var words = args.TakeWhile(arg => !arg.StartsWith('-')).ToArray();
        try
        {
            var (options, settings) = words is ["usage", "recompute"] ? UsageCommands.TakeOptions(args[words.Length..]) : (CommandOptions.None, args[words.Length..]);
            var switches = words is ["stripe", ..] ? StripeSwitches.Take(ref settings) : null;
            if (MisplacedCommand(settings) is { } misplaced)
                return await SayAsync(Console.Error, $"'{misplaced}' must come before the settings, as a command, or belong to one: --setting=value.", WrongUsage);
            if (settings is ["--help" or "-h" or "-?"])
                return await SayAsync(Console.Out, Usage, Done);

            if (words.Length == 0)
                return await ServeAsync(settings);

            await using var app = ServerApp.Build(settings, Quietly);
            return words switch
            {
                ["accounts", "list"] => await AccountCommands.ListAsync(app.Services),
                ["accounts", "set-plan", var email, var plan] => await AccountCommands.SetPlanAsync(app.Services, email, plan),
                ["usage", "recompute"] => await UsageCommands.RecomputeAsync(app.Services, options),
                ["migrate-schema"] => await MigrateSchemaAsync(app.Services),
                ["stripe", .. var rest] when await StripeCommands.RunAsync(app.Services, rest, switches!) is { } exitCode => exitCode,
                _ => await SayAsync(Console.Error, $"There is no such command: {string.Join(' ', words)}{Environment.NewLine}{Environment.NewLine}{Usage}", WrongUsage),
            };
        }
        catch (Exception exception) when (exception is InvalidConfigurationException or FormatException)
        {
            return await SayAsync(Console.Error, exception.Message, WrongUsage);
        }
        catch (Exception exception) when (exception is StoreUnavailableException or SchemaIncompatibleException or SqliteException or NpgsqlException or IOException or UnauthorizedAccessException)
        {
            return await SayAsync(Console.Error, exception.Message, Failed);
        }
    }

    /// <summary>A word after another that is no setting: whoever typed a command there must not get a server instead.</summary>
    private static string? MisplacedCommand(string[] settings) => settings
        .Where((setting, i) => !setting.StartsWith('-') && !setting.Contains('=', StringComparison.Ordinal)
            && (i == 0 || !settings[i - 1].StartsWith('-') || settings[i - 1].Contains('=', StringComparison.Ordinal)))
        .FirstOrDefault();

    private static async Task<int> ServeAsync(string[] settings)
    {
        var builder = ServerApp.CreateBuilder(settings);
        return SimulatedStripe.IsWanted(builder.Configuration, builder.Environment)
            ? await ServeWithSimulatedStripeAsync(builder)
            : await ServeAsync(ServerApp.Build(builder, configure: null));
    }

    private static async Task<int> ServeWithSimulatedStripeAsync(WebApplicationBuilder builder)
    {
        await using var stripe = await SimulatedStripe.StartAsync(builder, CancellationToken.None);
        return await ServeAsync(ServerApp.Build(builder, configured => configured.Services.AddSingleton(stripe).AddHostedService<SimulatedStripeStartup>()));
    }

    private static async Task<int> ServeAsync(WebApplication app)
    {
        await using (app)
            await app.RunAsync();
        return Done;
    }

    private static async Task<int> MigrateSchemaAsync(IServiceProvider services)
    {
        var schema = services.GetRequiredService<SchemaMigrator>();
        foreach (var name in await schema.ApplyAsync(CancellationToken.None))
            await Console.Out.WriteLineAsync($"Applied {name}.");
        await Console.Out.WriteLineAsync($"The schema is at version {schema.Version}.");
        return Done;
    }

    private static void Quietly(WebApplicationBuilder builder) => builder.Logging.SetMinimumLevel(LogLevel.Warning);

    private static async Task<int> SayAsync(TextWriter writer, string text, int exitCode)
    {
        await writer.WriteLineAsync(text);
        return exitCode;
    }
}
