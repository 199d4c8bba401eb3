using System.CommandLine;
using System.Globalization;
using PyResolve.Server.Operators;

namespace PyResolve.Server.Commands;

/// <summary>A calculator. It needs no settings and no database.</summary>
internal static class CostCommand
{
    public static Command Create()
    {
        var example = CostQuestion.Example;
        var accounts = Number("--accounts", "Accounts, paying or not", example.Accounts);
        var requests = Number("--requests", "Calls of the API a month, without usage events", example.Requests);
        var events = Number("--events", "Usage events a month", example.Events);
        var subscribers = Number("--subscribers", "Accounts that pay", example.Subscribers);
        var months = Number("--months", "For how many months events are kept", example.Months, CostQuestion.MostMonths);
        var price = Price("--price", "What one pays a month, in US dollars", example.Price);
        var machine = Price(
            "--machine-price", "What a machine of 2 cores, 4 GB and 40 GB of disk costs you a month, in US dollars", example.Machine);
        var disk = Price("--disk-price", "What each GB of disk over 40 costs you a month, in US dollars", example.Disk);
        var json = OperatorOutput.JsonOption();
        var command = new Command("cost", "Estimate what running the server costs a month, beside the prices of others")
        {
            accounts, requests, events, subscribers, price, months, machine, disk, json,
        };
        command.SetAction((parse, _) =>
        {
            var estimate = new CostEstimate(new CostQuestion(
                parse.GetValue(accounts), parse.GetValue(requests), parse.GetValue(events), parse.GetValue(subscribers),
                parse.GetValue(price))
            {
                Months = (int)parse.GetValue(months),
                Machine = parse.GetValue(machine),
                Disk = parse.GetValue(disk),
            });
            return parse.GetValue(json) ? WriteAsync(estimate) : OperatorOutput.SayAsync(Describe(estimate));
        });
        return command;
    }

    private static Option<long> Number(string name, string description, long fallback, long most = CostQuestion.Most)
    {
        var option = new Option<long>(name)
        {
            Description = description, HelpName = "number", DefaultValueFactory = _ => fallback,
        };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }]
                && (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) || value > most))
                result.AddError($"{name} is a number from 0 to {most}.");
        });
        return option;
    }

    private static Option<decimal> Price(string name, string description, decimal fallback)
    {
        var option = new Option<decimal>(name)
        {
            Description = description, HelpName = "dollars", DefaultValueFactory = _ => fallback,
        };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }]
                && (!decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
                    || value > CostQuestion.HighestPrice))
                result.AddError($"{name} is a number of dollars from 0 to {CostQuestion.HighestPrice}.");
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
                    $"The database: {estimate.DatabaseGigabytes:N2} GB of memory, {estimate.StorageAMonth:N2} GB more each month, "
                    + $"{estimate.StorageGigabytes:N2} GB after {estimate.Question.Months} months. Revenue: ${estimate.Revenue:N2}."))
                .Prepend(string.Create(
                    CultureInfo.InvariantCulture,
                    $"At the busiest {estimate.PeakPerSecond:N1} requests a second: {estimate.Instances} instances, "
                    + $"{estimate.ServerCores:0.00} cores of CPU time for them and {estimate.DatabaseCores:0.00} for the database."))
                .Append("")
                .Append($"Prices as read on {CostEstimate.PricesReadOn}: docs/costs.md says where, and what is assumed."));
    }

    private static string Dollars(decimal? amount) =>
        amount is { } value ? value.ToString("N2", CultureInfo.InvariantCulture) : "-";

    private static Task<int> WriteAsync(CostEstimate estimate) => OperatorOutput.WriteAsync(writer =>
    {
        writer.WriteNumber("peak_per_second", Math.Round(estimate.PeakPerSecond, 1));
        writer.WriteNumber("cores", Math.Round(estimate.ServerCores + estimate.DatabaseCores, 2));
        writer.WriteNumber("database_cores", Math.Round(estimate.DatabaseCores, 2));
        writer.WriteNumber("database_memory_gb", estimate.DatabaseGigabytes);
        writer.WriteNumber("instances", estimate.Instances);
        writer.WriteNumber("storage_gb", estimate.StorageGigabytes);
        writer.WriteNumber("storage_gb_a_month", estimate.StorageAMonth);
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
