/// A VM or a station, as an end of a network's connections: ``Network/set(_:between:and:)``, ``Network/partition(_:)`` and
/// ``Network/drop(_:from:to:nth:)`` take both. Another type that conforms is on no network.
public protocol NetworkMember: Sendable {}
