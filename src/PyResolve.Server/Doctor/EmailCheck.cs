using PyResolve.Server.Email;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Doctor;

/// <summary>Whether emails can be handed over. None is sent.</summary>
internal sealed class EmailCheck(IServiceProvider services)
{
    private const string About = "Email";

    public async Task<Finding> RunAsync(CancellationToken cancellationToken)
    {
        if (services.GetService<IEmailTransport>() is not { } transport)
        {
            return new(
                About, HealthState.Look, "No mail server is set: nobody can confirm an address or reset a password.",
                "Set PyResolve:Smtp:Host and PyResolve:Smtp:From.");
        }

        try
        {
            await transport.CheckAsync(cancellationToken);
            return new(About, HealthState.Good, $"{Sentence(transport.Name)} takes emails. None was sent.");
        }
        catch (EmailDeliveryException exception)
        {
            return new(About, HealthState.Bad, $"{Sentence(exception.Message.TrimEnd('.'))}.", transport.Fix);
        }
    }

    public static async Task<Finding?> FindLateAsync(Database database, TimeProvider time, CancellationToken cancellationToken)
    {
        var waiting = await database.FirstAsync(
            $"select count(*) from letters where created_at < {time.GetInstant() - TimeSpan.FromMinutes(10)}",
            static row => new { Count = row.Int64(0) },
            cancellationToken);
        return waiting is { Count: > 0 and var count }
            ? new(
                About, HealthState.Look, $"{(count == 1 ? "1 email waits" : $"{count:N0} emails wait")} for more than ten minutes.",
                "The server's log says why they were not taken.")
            : null;
    }

    private static string Sentence(string text) => $"{char.ToUpperInvariant(text[0])}{text[1..]}";
}
