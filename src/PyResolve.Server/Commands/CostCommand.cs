using System.CommandLine;
using System.Globalization;

namespace PyResolve.Server.Commands;

/// <summary>A calculator. It needs no settings and no database.</summary>
internal static class CostCommand
{
    public static Command Create()
    {
        var accounts = Number("--accounts", "Accounts, paying or not", 10_000);
        var requests = Number("--requests", "Calls of the API a month, without usage events", 1_000_000);
        var events = Number("--events", "Usage events a month", 1_000_000);
        var subscribers = Number("--subscribers", "Accounts that pay", 300);
        var price = new Option<decimal>("--price")
        {
            Description = "What one pays a month, in US dollars", HelpName = "dollars", DefaultValueFactory = static _ => 19,
        };
        price.Validators.Add(static result =>
        {
            if (result.Tokens is [{ Value: var text }]
                && (!decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
                    || value > 1_000_000))
                result.AddError("--price is a number of dollars from 0 to 1000000.");
        });
        var json = OperatorOutput.JsonOption();
        var command = new Command("cost", "Estimate what running the server costs a month, beside the prices of others")
        {
            accounts, requests, events, subscribers, price, json,
        };
        command.SetAction((parse, _) =>
        {
            var estimate = new CostEstimate(new CostQuestion(
                parse.GetValue(accounts), parse.GetValue(requests), parse.GetValue(events), parse.GetValue(subscribers),
                parse.GetValue(price)));
            return parse.GetValue(json) ? WriteAsync(estimate) : OperatorOutput.SayAsync(Describe(estimate));
        });
        return command;
    }

    private static Option<long> Number(string name, string description, long fallback)
    {
        var option = new Option<long>(name)
        {
            Description = description, HelpName = "number", DefaultValueFactory = _ => fallback,
        };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }]
                && (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) || value > 1_000_000_000_000))
                result.AddError($"{name} is a number from 0 to 1000000000000.");
        });
        return option;
    }

    private static string Describe(CostEstimate estimate)
    {
        var names = estimate.Lines.Max(static line => line.Name.Length);
        return string.Join(
            Environment.NewLine,
            estimate.Lines
                .Select(line => string.Create(
                    CultureInfo.InvariantCulture, $"{line.Name.PadRight(names)}  {Dollars(line.Monthly),14}  {line.Made}"))
                .Prepend($"{"A MONTH".PadRight(names)}  {"US DOLLARS",14}  WHAT")
                .Prepend("")
                .Prepend(string.Create(
                    CultureInfo.InvariantCulture,
                    $"At the busiest {estimate.PeakPerSecond:N1} requests a second: {estimate.Cores:0.00} cores of CPU time, "
                    + $"{estimate.Instances} instances, {estimate.StorageGigabytes:N2} GB after a year. Revenue: ${estimate.Revenue:N2}."))
                .Append("")
                .Append($"Prices as read on {CostEstimate.PricesReadOn}: docs/costs.md says where, and what is assumed."));
    }

    private static string Dollars(decimal? amount) =>
        amount is { } value ? value.ToString("N2", CultureInfo.InvariantCulture) : "-";

    private static Task<int> WriteAsync(CostEstimate estimate) => OperatorOutput.WriteAsync(writer =>
    {
        writer.WriteNumber("peak_per_second", Math.Round(estimate.PeakPerSecond, 1));
        writer.WriteNumber("cores", Math.Round(estimate.Cores, 2));
        writer.WriteNumber("instances", estimate.Instances);
        writer.WriteNumber("storage_gb", estimate.StorageGigabytes);
        writer.WriteNumber("revenue", estimate.Revenue);
        writer.WriteString("prices_read_on", CostEstimate.PricesReadOn);
        writer.WriteStartArray("data");
        foreach (var line in estimate.Lines)
        {
            writer.WriteStartObject();
            writer.WriteString("name", line.Name);
            writer.WriteString("made", line.Made);
            if (line.Monthly is { } monthly)
                writer.WriteNumber("monthly", monthly);
            else
                writer.WriteNull("monthly");
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });
}
