using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Webhooks;

/// <summary>What happened, and the telling of it to endpoints. Guarded by the world's gate.</summary>
internal sealed class EventLog(World world)
{
    private static readonly TimeSpan Kept = TimeSpan.FromDays(30);

    private readonly ObjectTable<StripeEvent> _events = new();

    /// <summary>What is going on now was asked for by this request.</summary>
    public Cause Cause { get; set; } = new(null, null);

    /// <summary>State changes, and nobody is told.</summary>
    public bool IsSilent { get; set; }

    /// <summary>The last 30 days'.</summary>
    public IEnumerable<StripeEvent> NewestFirst
    {
        get
        {
            var oldest = world.Now - (long)Kept.TotalSeconds;
            return _events.NewestFirst.Where(happened => happened.Created >= oldest);
        }
    }

    public StripeEvent? Find(string id) => NewestFirst.FirstOrDefault(happened => happened.Id == id);

    /// <summary>Changes an object and tells what is different; where nothing is, nothing is told.</summary>
    public void Change(StripeObject subject, Action change, string verb = "updated")
    {
        var before = subject.Render();
        change();
        var after = subject.Render();
        if (Differences.Between(before, after) is { Count: > 0 } previous)
            Emit($"{subject.EventPrefix}.{verb}", after, verb == "updated" ? previous : null);
    }

    public void Emit(StripeObject subject, string verb) => Emit($"{subject.EventPrefix}.{verb}", subject.Render());

    public StripeEvent? Emit(string type, JsonObject subject, JsonObject? previous = null)
    {
        if (IsSilent)
            return null;
        var happened = new StripeEvent
        {
            Id = world.Ids.Next("evt"),
            Created = world.Now,
            Type = type,
            Subject = subject,
            PreviousAttributes = previous,
            ApiVersion = world.Options.ApiVersion,
            Cause = Cause,
        };
        Publish(happened);
        return happened;
    }

    public void Publish(StripeEvent happened)
    {
        _events.Add(happened);
        foreach (var endpoint in world.WebhookEndpoints.All)
        {
            if (!endpoint.IsDeleted && endpoint.Wants(happened.Type))
                world.Deliveries.Add(happened, endpoint);
        }
    }
}
