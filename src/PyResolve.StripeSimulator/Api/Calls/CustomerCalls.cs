using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Api.Calls;

internal static partial class CustomerCalls
{
    private const string Kind = "customer";

    public static JsonObject Create(ApiCall call)
    {
        var (state, form) = (call.State, call.Form);
        var clock = call.FindByParameter(state.TestClocks, "test_clock", "test_clock");
        var customer = state.Customers.Add(new Customer
        {
            Id = state.Ids.Next("cus"),
            Created = state.NowOn(clock?.Id),
            TestClockId = clock?.Id,
            Email = form.Text("email"),
            Name = form.Text("name"),
            Description = form.Text("description"),
            Phone = form.Text("phone"),
            Metadata = form.Merge("metadata"),
            Balance = form.Number("balance") ?? 0,
        });
        state.Events.Emit(customer, "created");
        SetPaymentMethod(call, customer);
        return customer.Render();
    }

    public static JsonObject Get(ApiCall call) => call.GetByPath(call.State.Customers, Kind).Render();

    public static JsonObject Update(ApiCall call)
    {
        var form = call.Form;
        var customer = FindExisting(call);
        call.State.Events.Change(customer, () =>
        {
            customer.Email = Updated("email", customer.Email);
            customer.Name = Updated("name", customer.Name);
            customer.Description = Updated("description", customer.Description);
            customer.Phone = Updated("phone", customer.Phone);
            customer.Metadata = form.Merge("metadata", customer.Metadata);
            customer.Balance = form.Number("balance") ?? customer.Balance;
        });
        SetPaymentMethod(call, customer);
        return customer.Render();

        string? Updated(string name, string? old) => form.Text(name) switch { null => old, "" => null, var text => text };
    }

    public static JsonObject Delete(ApiCall call)
    {
        var customer = FindExisting(call);
        Customers.Delete(call.State, customer);
        return customer.Render();
    }

    public static JsonObject List(ApiCall call) =>
        Lists.Page(call, "/v1/customers", Kind, call.State.Customers.NewestFirst.Where(customer =>
        !customer.IsDeleted
        && Lists.Matches(call.Form, "email", customer.Email)
        && customer.TestClockId == call.Form.Text("test_clock")
        && Lists.MatchesRange(call.Form, "created", customer.Created)));

    /// <summary>Like Stripe's search, it does not find customers of the last minute.</summary>
    public static JsonObject Search(ApiCall call)
    {
        var indexed = call.State.Clock.GetUtcNow().AddMinutes(-1).ToUnixTimeSeconds();
        var matches = Query(call.Form.Text("query")!);
        var found = call.State.Customers.NewestFirst
            .Where(customer => !customer.IsDeleted && customer.Created <= indexed && matches(customer))
            .ToList();
        var limit = Lists.LimitOf(call.Form);
        var from = int.TryParse(call.Form.Text("page"), CultureInfo.InvariantCulture, out var page) ? page : 0;
        var hasMore = found.Count > from + limit;
        var list = Shapes.List("/v1/customers/search", found.Skip(from).Take(limit).Select(static customer => customer.Render()), hasMore);
        list["object"] = "search_result";
        list["next_page"] = hasMore ? (from + limit).ToString(CultureInfo.InvariantCulture) : null;
        return list;
    }

    /// <summary><c>payment_method</c> is attached; only <c>invoice_settings</c> make it the one that pays invoices.</summary>
    private static void SetPaymentMethod(ApiCall call, Customer customer)
    {
        const string Default = "invoice_settings[default_payment_method]";
        var named = call.Form.Text("payment_method");
        var attached = PaymentMethodCalls.FindOrMake(call, "payment_method", customer);
        if (attached is { CustomerId: null })
            PaymentMethods.Attach(call.State, attached, customer);
        if (call.Form.Text("invoice_settings.default_payment_method") is not { } wanted)
            return;
        if (wanted.Length == 0)
        {
            PaymentMethods.MakeDefault(call.State, customer, null);
            return;
        }

        // One of Stripe's test methods has another id once it is attached.
        var method = wanted == named
            ? attached!
            : ApiCall.GetByParameter(call.State.PaymentMethods, "PaymentMethod", wanted, Default);
        if (method.CustomerId != customer.Id)
            throw ApiErrorException.Invalid(
                $"The customer does not have a payment method with the ID {wanted}. "
                + "The payment method must be attached to the customer.",
                Default,
                "resource_missing");
        PaymentMethods.MakeDefault(call.State, customer, method);
    }

    private static Customer FindExisting(ApiCall call) => call.GetByPath(call.State.Customers, Kind) is { IsDeleted: false } customer
        ? customer
        : throw ApiErrorException.Missing(Kind, call.Id);

    private static Func<Customer, bool> Query(string query)
    {
        var clauses = query.Split(" AND ").Select(clause => Clause().Match(clause.Trim())).ToList();
        if (clauses.Exists(static clause => !clause.Success))
            throw ApiErrorException.Invalid("The simulator supports the clauses email:'…' and metadata['…']:'…', joined by AND.", "query");
        return customer => clauses.TrueForAll(clause =>
        {
            var wanted = clause.Groups["value"].Value;
            return clause.Groups["key"] is { Success: true } key
                ? customer.Metadata.GetValueOrDefault(key.Value) == wanted
                : (clause.Groups["field"].Value == "email" ? customer.Email : customer.Name) == wanted;
        });
    }

    [GeneratedRegex(
        """^(?:(?<field>email|name)|metadata\[['"](?<key>[^'"]+)['"]\]):['"](?<value>[^'"]*)['"]$""", RegexOptions.ExplicitCapture, 100)]
    private static partial Regex Clause();
}
