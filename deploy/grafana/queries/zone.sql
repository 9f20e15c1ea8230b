-- In which zone does a day begin at the sites?
SELECT zone
FROM grafana_policy
