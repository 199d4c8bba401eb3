using System.Globalization;
using PyResolve.Server.Email;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Alerts;

/// <summary>What the outbox keeps of an alert email: see <see cref="UsageAlerts"/>.</summary>
internal sealed record AlertEmail(Guid UserId, string Month, int Percent, long Used, long Limit)
{
    private string MonthName => Instants.StartOfMonth(Month).ToString("MMMM yyyy", CultureInfo.InvariantCulture);

    private string ResetsOn => Instants.StartOfMonth(Month).AddMonths(1).ToString("d MMMM yyyy", CultureInfo.InvariantCulture);

    private string Left => Used >= Limit
        ? $"Nothing is left: migrations are refused until {ResetsOn}."
        : $"{Number(Limit - Used)} of them {(Limit - Used == 1 ? "is" : "are")} left until {ResetsOn}.";

    public static AlertEmail Parse(string detail)
    {
        var parts = detail.Split(' ');
        return new AlertEmail(
            Guid.Parse(parts[0]),
            parts[1],
            int.Parse(parts[2], CultureInfo.InvariantCulture),
            long.Parse(parts[3], CultureInfo.InvariantCulture),
            long.Parse(parts[4], CultureInfo.InvariantCulture));
    }

    public EmailMessage To(string email, string product, string publicUrl) => new(
        email,
        Percent == 100 ? $"The migrations of {MonthName} are used up" : $"{Percent} % of the migrations of {MonthName} are used",
        $"""
        Your {product} account has used {Number(Used)} of the {Number(Limit)} migrations that its plan has for {MonthName}. {Left}

        What used them: {publicUrl}/app/usage
        A bigger plan: {publicUrl}/app/plan

        You get this email once a month, when {Percent} % is reached. To change this: {publicUrl}/app/alerts
        """);

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
