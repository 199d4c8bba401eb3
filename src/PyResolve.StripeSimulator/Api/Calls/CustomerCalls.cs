using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Api.Calls;

internal static partial class CustomerCalls
{
    private const string Kind = "customer";

    public static JsonObject Create(ApiCall call)
    {
        var (world, form) = (call.World, call.Form);
        var clock = call.Named(world.TestClocks, "test_clock", "test_clock");
        var customer = world.Customers.Add(new Customer
        {
            Id = world.Ids.Next("cus"),
            Created = world.NowOn(clock?.Id),
            TestClockId = clock?.Id,
            Email = form.Text("email"),
            Name = form.Text("name"),
            Description = form.Text("description"),
            Phone = form.Text("phone"),
            Metadata = form.Merge("metadata"),
        });
        world.Events.Emit(customer, "created");
        return customer.Render();
    }

    public static JsonObject Get(ApiCall call) => call.InPath(call.World.Customers, Kind).Render();

    public static JsonObject Update(ApiCall call)
    {
        var form = call.Form;
        var customer = Living(call);
        call.World.Events.Change(customer, () =>
        {
            customer.Email = Updated("email", customer.Email);
            customer.Name = Updated("name", customer.Name);
            customer.Description = Updated("description", customer.Description);
            customer.Phone = Updated("phone", customer.Phone);
            customer.Metadata = form.Merge("metadata", customer.Metadata);
        });
        return customer.Render();

        string? Updated(string name, string? old) => form.Text(name) switch { null => old, "" => null, var text => text };
    }

    public static JsonObject Delete(ApiCall call)
    {
        var customer = Living(call);
        Customers.Delete(call.World, customer);
        return customer.Render();
    }

    public static JsonObject List(ApiCall call) => Lists.Page(call, "/v1/customers", Kind, call.World.Customers.NewestFirst.Where(customer =>
        !customer.IsDeleted
        && Lists.IsAsked(call.Form, "email", customer.Email)
        && customer.TestClockId == call.Form.Text("test_clock")
        && Lists.IsWithin(call.Form, "created", customer.Created)));

    /// <summary>As at Stripe, what was made within the last minute is not found yet.</summary>
    public static JsonObject Search(ApiCall call)
    {
        var indexed = call.World.Clock.GetUtcNow().AddMinutes(-1).ToUnixTimeSeconds();
        var matches = Query(call.Form.Text("query")!);
        var found = call.World.Customers.NewestFirst
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

    private static Customer Living(ApiCall call) => call.InPath(call.World.Customers, Kind) is { IsDeleted: false } customer
        ? customer
        : throw StripeException.Missing(Kind, call.Id);

    private static Func<Customer, bool> Query(string query)
    {
        var clauses = query.Split(" AND ").Select(clause => Clause().Match(clause.Trim())).ToList();
        if (clauses.Exists(static clause => !clause.Success))
            throw StripeException.Invalid("The simulator understands clauses as email:'…' and metadata['…']:'…', joined by AND.", "query");
        return customer => clauses.TrueForAll(clause =>
        {
            var wanted = clause.Groups["value"].Value;
            return clause.Groups["key"] is { Success: true } key
                ? customer.Metadata.GetValueOrDefault(key.Value) == wanted
                : (clause.Groups["field"].Value == "email" ? customer.Email : customer.Name) == wanted;
        });
    }

    [GeneratedRegex("""^(?:(?<field>email|name)|metadata\[['"](?<key>[^'"]+)['"]\]):['"](?<value>[^'"]*)['"]$""", RegexOptions.ExplicitCapture, 100)]
    private static partial Regex Clause();
}
