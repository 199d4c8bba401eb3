using System.Globalization;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;

namespace PyResolve.Server.Operators;

/// <summary>The form as it was sent, and the question in it. <c>Estimate</c>: null where something in it is wrong.</summary>
internal sealed record CostForm(IReadOnlyDictionary<string, string> Sent, ProblemResult? Problem, CostEstimate? Estimate);

/// <summary>A page that calculates costs, as the command <c>cost</c> does.</summary>
internal static class CostPages
{
    public static void MapCostPages(this IEndpointRouteBuilder pages) => pages.MapGet("/operator/costs", Show);

    private static PageResult Show(HttpContext http)
    {
        var form = Read(http.Request.Query);
        return OperatorPages.Page(http, "What it costs", new Operators_CostsPage { Model = form }, form.Problem);
    }

    /// <summary>Reads the form. A field that is absent or empty has the value of the example.</summary>
    private static CostForm Read(IQueryCollection query)
    {
        var sent = new Dictionary<string, string>(StringComparer.Ordinal);
        var errors = new FieldErrors();
        var example = CostQuestion.Example;
        var question = new CostQuestion(
            Number("accounts", example.Accounts, CostQuestion.Most), Number("requests", example.Requests, CostQuestion.Most),
            Number("events", example.Events, CostQuestion.Most), Number("subscribers", example.Subscribers, CostQuestion.Most),
            Price("price", example.Price))
        {
            Months = (int)Number("months", example.Months, CostQuestion.MostMonths),
            Machine = Price("machine", example.Machine),
            Disk = Price("disk", example.Disk),
        };
        return errors.Problem is { } problem
            ? new CostForm(sent, new ProblemResult(problem), Estimate: null)
            : new CostForm(sent, Problem: null, new CostEstimate(question));

        long Number(string name, long fallback, long most)
        {
            if (!IsSent(name, fallback.ToString(CultureInfo.InvariantCulture), out var text))
                return fallback;
            // As people group thousands.
            var digits = text.Replace(",", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal);
            if (long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most)
                return number;
            errors.Add(name, string.Create(CultureInfo.InvariantCulture, $"must be a number from 0 to {most:N0}."));
            return fallback;
        }

        decimal Price(string name, decimal fallback)
        {
            if (!IsSent(name, fallback.ToString(CultureInfo.InvariantCulture), out var text))
                return fallback;
            if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var price)
                && price <= CostQuestion.HighestPrice)
            {
                return price;
            }

            errors.Add(
                name, string.Create(CultureInfo.InvariantCulture, $"must be from 0 to {CostQuestion.HighestPrice:N0}, as 19 or 19.50."));
            return fallback;
        }

        bool IsSent(string name, string fallback, out string text)
        {
            text = query[name].ToString().Trim();
            sent[name] = text.Length > 0 ? text : fallback;
            return text.Length > 0;
        }
    }
}
